package dev.meanwhile.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.log.Head;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class RateLimitTest {
  private static RateLimit of(int status, String... fields) {
    var all = new StringBuilder();
    for (String field : fields) {
      all.append(field).append('\n');
    }
    return RateLimit.of(new Head(status, true, all.toString()));
  }

  private static Duration reset(String value) {
    return Duration.ofNanos(of(200, "x-ratelimit-reset-requests: " + value).reset());
  }

  private static Duration retryAfter(String... fields) {
    return Duration.ofNanos(of(429, fields).retryAfter());
  }

  @Test
  void an_upstream_that_says_nothing_has_no_limits() {
    assertThat(of(200)).isEqualTo(new RateLimit(200, 0, -1, 0));
  }

  @Test
  void durations_are_read_as_openai_writes_them() {
    assertThat(reset("1s")).isEqualTo(Duration.ofSeconds(1));
    assertThat(reset("20ms")).isEqualTo(Duration.ofMillis(20));
    assertThat(reset("6m0s")).isEqualTo(Duration.ofMinutes(6));
    assertThat(reset("1m30.5s")).isEqualTo(Duration.ofMillis(90_500));
    assertThat(reset("59.7s")).isEqualTo(Duration.ofMillis(59_700));
    assertThat(reset("12")).isEqualTo(Duration.ofSeconds(12));
    assertThat(reset("2d3h")).as("not longer than an hour").isEqualTo(Duration.ofHours(1));
    assertThat(reset("soon")).isEqualTo(Duration.ZERO);
    assertThat(reset("")).isEqualTo(Duration.ZERO);
  }

  @Test
  void the_finer_retry_after_wins() {
    assertThat(retryAfter("retry-after: 3")).isEqualTo(Duration.ofSeconds(3));
    assertThat(retryAfter("retry-after: 1.5")).isEqualTo(Duration.ofMillis(1_500));
    assertThat(retryAfter("retry-after: 3", "retry-after-ms: 2500"))
        .isEqualTo(Duration.ofMillis(2_500));
    assertThat(retryAfter("retry-after-ms: 0", "retry-after: 3")).isEqualTo(Duration.ZERO);
    assertThat(retryAfter("retry-after: Wed, 21 Oct 2026 07:28:00 GMT")).isEqualTo(Duration.ZERO);
    assertThat(retryAfter("retry-after: -5")).isEqualTo(Duration.ZERO);
    assertThat(retryAfter("retry-after: 99999999")).isEqualTo(Duration.ofHours(1));
  }

  @Test
  void what_remains_is_read() {
    RateLimit limit =
        of(200, "x-ratelimit-remaining-requests: 599", "x-ratelimit-reset-requests: 100ms");
    assertThat(limit.remaining()).isEqualTo(599);
    assertThat(limit.reset()).isEqualTo(Duration.ofMillis(100).toNanos());
    assertThat(of(200, "x-ratelimit-remaining-requests: many").remaining()).isEqualTo(-1);
  }
}
