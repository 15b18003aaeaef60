package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class CacheTest {
  private static CacheResult result(String title, long cpuNanosPerHit, long upstreamCalls) {
    var hits =
        new CacheResult.Hits(
            250,
            new WarmUp.Part(Duration.ofSeconds(9), true),
            new PlainResult(1_000, 0, 1_000_000_000, new Usage(cpuNanosPerHit * 1_000, 0)),
            new CacheResult.Times(400_000, 6_000_000, 9_000_000),
            upstreamCalls,
            0);
    var cold =
        new CacheResult.Cold(
            2, List.of(burst(600, 7), burst(1_500, 0), burst(700, 0), burst(800, 0)));
    return new CacheResult(title, "1", List.of(hits), cold);
  }

  private static Burst.Result burst(long millis, int unanswered) {
    return new Burst.Result(millis * 1_000_000, unanswered);
  }

  @Test
  void reportsGoals() {
    var keys = new KeyCost(8_000, 50_000, 25_000);
    assertThat(
            CacheReport.tables(
                List.of(result("nginx", 20_000, 0), result("Meanwhile", 28_000, 1)), keys))
        .startsWith("| answers of 2,048 B | nginx | Meanwhile |")
        .contains("| asked in 250 B: CPU per hit, µs | 20.0 | 28.0 |")
        .contains("| … time of a hit at 1,000/s: p50 / p99 / max, ms | 0.400 / 6.00 / 9.00 |")
        .contains("| CPU per hit ÷ nginx, asked in 250 B | ≤ 1.50 | 1.40 | reached |")
        .contains("| p99 of a hit at 1,000/s, asked in 250 B | ≤ 5.00 ms | 6.00 ms | **not")
        .contains("| upstream calls, asked in 250 B | ≤ 0.00 | 1.00 | **not reached** |")
        .contains("ms each: the first burst / median, ms | 1,500 / 800 |")
        .contains("| upstream calls, 1,000 callers at once | ≤ 1.00 | 2.00 | **not reached** |")
        .contains("| cold calls not answered | ≤ 0.00 | 7.00 | **not reached** |")
        .contains("| 2,000 cold questions at once | ≤ 1200.00 ms | 800.00 ms | reached |")
        .contains("| key, not seen lately | ≤ 100.00 µs | 50.00 µs | reached |")
        .contains("| key, same bytes | ≤ 20.00 µs | 25.00 µs | **not reached** |");
    assertThat(CacheReport.tables(List.of(), keys)).contains("| key, same bytes |");
  }

  @Test
  void aBurstIsAnsweredAtOnce() throws IOException {
    try (var loop = new Loop()) {
      var origin = new Origin(loop, 3);
      var target = new Target(origin.port(), "");
      var calls = List.of(target.plainCall(), target.plainCall(), target.plainCall());
      try (var burst = new Burst(loop, target, calls, Duration.ofMinutes(1))) {
        assertThat(burst.send(Duration.ofMinutes(1)).unanswered()).isZero();
        assertThat(origin.plainAnswers()).isEqualTo(3);
      }
    }
  }

  @Test
  void bodiesAreAsLongAsTheySay() {
    assertThat(KeyCost.body(7, CachePlan.LONG_QUESTION)).hasSizeBetween(8_000, 8_600);
    assertThat(new String(KeyCost.body(7, 1_000), UTF_8))
        .isNotEqualTo(new String(KeyCost.body(8, 1_000), UTF_8))
        .endsWith("\"}]}");
    var target = new Target(1, "", Target.question(CachePlan.LONG_QUESTION));
    var call = US_ASCII.decode(target.plainCall()).toString();
    assertThat(call.length() - call.indexOf("\r\n\r\n") - 4)
        .isEqualTo(target.bodyBytes())
        .isBetween(8_192, 8_500);
  }
}
