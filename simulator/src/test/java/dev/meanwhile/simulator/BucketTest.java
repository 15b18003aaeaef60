package dev.meanwhile.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.MultiMap;
import org.junit.jupiter.api.Test;

class BucketTest {
  private static final long SECOND = 1_000_000_000;

  @Test
  void fillsEvenlyOverAMinute() {
    var bucket = new Bucket(60, 0);
    bucket.take(60, 0);
    assertThat(bucket.remaining(0)).isZero();
    assertThat(bucket.nanosUntil(2, 0)).isEqualTo(2 * SECOND);
    assertThat(bucket.remaining(2 * SECOND)).isEqualTo(2);
    assertThat(bucket.nanosUntilFull(2 * SECOND)).isEqualTo(58 * SECOND);
    assertThat(bucket.remaining(500 * SECOND)).isEqualTo(60);
  }

  @Test
  void eitherLimitRefusesAndThenNothingIsTaken() {
    var limits = new RateLimits(3, 100, 0);
    var headers = MultiMap.caseInsensitiveMultiMap();
    limits.admit(90, 0, headers);
    assertThat(headers.get("x-ratelimit-limit-requests")).isEqualTo("3");
    assertThat(headers.get("x-ratelimit-remaining-requests")).isEqualTo("2");
    assertThat(headers.get("x-ratelimit-reset-requests")).isEqualTo("20s");
    assertThat(headers.get("x-ratelimit-limit-tokens")).isEqualTo("100");
    assertThat(headers.get("x-ratelimit-remaining-tokens")).isEqualTo("10");
    assertThat(headers.get("x-ratelimit-reset-tokens")).isEqualTo("54s");
    assertThatThrownBy(() -> limits.admit(20, 0, headers)).hasMessageContaining("on tokens");
    assertThat(headers.get("retry-after")).isEqualTo("6");
    assertThat(headers.get("x-ratelimit-remaining-requests")).isEqualTo("2");
    limits.admit(5, 0, headers);
    limits.admit(5, 0, headers);
    assertThatThrownBy(() -> limits.admit(1, 0, headers)).hasMessageContaining("on requests");
    limits.admit(1, 20 * SECOND, headers);
  }

  @Test
  void durationsAreWrittenAsOpenAiWritesThem() {
    assertThat(RateLimits.duration(0)).isEqualTo("0ms");
    assertThat(RateLimits.duration(12_000_001)).isEqualTo("13ms");
    assertThat(RateLimits.duration(SECOND)).isEqualTo("1s");
    assertThat(RateLimits.duration(360 * SECOND)).isEqualTo("6m0s");
  }
}
