package dev.meanwhile.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

final class ReportTest {
  private static final long MILLISECOND = 1_000_000;

  @Test
  void comparesWithNginxAndPortkey() {
    var report =
        new Report(
                List.of(peer("nginx", 10, 20, 1), peer("Portkey", 1000, 80, 50), meanwhile()),
                Optional.empty())
            .markdown();
    assertThat(report)
        .contains("| warm-up by plain calls / streams, s | 60 (not settled) / 10 | ")
        .contains("| CPU per plain call, µs | 10.0 | 1,000 | 30.0 |")
        .contains("| CPU per plain call | Meanwhile | 3.00 | 0.030 |")
        .contains("| CPU per streamed token | Meanwhile | 2.00 | 0.500 |")
        .contains("| p99 delay per token | Meanwhile | 4.00 | 0.080 |")
        .contains("| CPU per plain call ÷ nginx | ≤ 4.00 | 3.00 | reached |")
        .contains("| CPU per streamed token ÷ nginx | ≤ 1.60 | 2.00 | **not reached** |")
        .contains("| memory per open stream | ≤ 30.00 KB | 8.00 KB | reached |");
  }

  @Test
  void tellsCostOfMoreReadersAndLongerLogs() {
    var scaling =
        new ScalingResult(window(20, 1), window(10, 1), window(20, 1), window(24, 1), 100);
    var report = new Report(List.of(meanwhile()), Optional.of(scaling)).markdown();
    assertThat(report)
        .contains("| readers per log (100 logs for the many) | 20.0 | 10.0 | 0.500 |")
        .contains("| cost per token, 10 × the readers | ≤ 1.10 | 0.50 | reached |")
        .contains("| cost per token, 10 × the log's length | ≤ 1.10 | 1.20 | **not reached** |");
  }

  @Test
  void warnsOfDisturbedCore() {
    var quiet = meanwhile();
    var disturbed =
        new PeerResult(
            "nginx",
            "nginx",
            quiet.warmUp(),
            new PlainResult(1, 0, 100, new Usage(1, 25)),
            quiet.some(),
            quiet.many(),
            Optional.empty());
    assertThat(new Report(List.of(quiet), Optional.empty()).markdown()).doesNotContain("Disturbed");
    assertThat(new Report(List.of(quiet, disturbed), Optional.empty()).markdown())
        .startsWith("**Disturbed: others took up to 25 %");
  }

  @Test
  void measurementWithoutTokensReachesNothing() {
    var nothing = new StreamResult.Window(0, 1, new Usage(1, 0), new StreamResult.Delays(0, 0, 0));
    var scaling = new ScalingResult(nothing, window(10, 1), window(20, 1), window(20, 1), 100);
    assertThat(new Report(List.of(meanwhile()), Optional.of(scaling)).markdown())
        .contains("| cost per token, 10 × the readers | ≤ 1.10 | NaN | **not reached** |");
  }

  @Test
  void addsRoundsOfOneMeasurement() {
    var both = window(20, 1).plus(window(40, 1));
    assertThat(both.cpuMicrosPerToken()).isEqualTo(30);
    assertThat(both.tokensPerSecond()).isEqualTo(1000);
  }

  private static PeerResult meanwhile() {
    return peer("Meanwhile", 30, 40, 4);
  }

  private static PeerResult peer(String title, long perCall, long perToken, long p99) {
    var streams = new StreamResult(5000, 5000, 5000, 0, 9, 9, 0, window(perToken, p99));
    var plain = new PlainResult(1000, 0, 1000 * MILLISECOND, new Usage(perCall * MILLISECOND, 0));
    var memory =
        new MemoryResult(
            new Memory(0, OptionalLong.of(1 << 20)),
            new Memory(9 << 20, OptionalLong.of((1 << 20) + 8 * 1024 * 1000)),
            1000);
    var warmUp =
        new WarmUp(
            new WarmUp.Part(Duration.ofSeconds(60), false),
            new WarmUp.Part(Duration.ofMillis(9_700), true));
    return new PeerResult(title, title, warmUp, plain, streams, streams, Optional.of(memory));
  }

  /// A thousand tokens in a second.
  private static StreamResult.Window window(long perToken, long p99) {
    return new StreamResult.Window(
        1000,
        1000 * MILLISECOND,
        new Usage(perToken * MILLISECOND, 0),
        new StreamResult.Delays(MILLISECOND, p99 * MILLISECOND, p99 * MILLISECOND));
  }
}
