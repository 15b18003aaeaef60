package dev.meanwhile.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

final class AttachTest {
  private static final long MILLISECOND = 1_000_000;

  @Test
  void waitBeginsWhenAskedAndWhenThereIsToken() {
    var round = round(true);
    assertThat(round.waited(0)).isEqualTo(2);
    assertThat(round.waited(1)).isEqualTo(5);
    assertThat(round.waited(2)).isEqualTo(7);
  }

  @Test
  void tokenBeforeThatOfFirstCallerIsNoWait() {
    var round = round(true);
    round.firstToken(3, 499, 499);
    assertThat(round.waited(3)).isZero();
  }

  @Test
  void countsCallersThatGotAllOfRoundsWhoseFirstDid() {
    var callers = AttachResult.callers(List.of(round(true), round(false)));
    assertThat(callers).extracting(AttachResult.Caller::whole).containsExactly(1, 1, 1, 0);
    assertThat(callers.get(2).median()).isEqualTo(7);
  }

  @Test
  void takesPercentiles() {
    var values = LongStream.rangeClosed(1, 200).toArray();
    assertThat(AttachResult.percentile(values, 50)).isEqualTo(100);
    assertThat(AttachResult.percentile(values, 99)).isEqualTo(198);
    assertThat(AttachResult.percentile(values, 100)).isEqualTo(200);
    assertThat(AttachResult.percentile(new long[] {7}, 50)).isEqualTo(7);
    assertThat(AttachResult.percentile(new long[0], 99)).isZero();
  }

  @Test
  void reportsGoals() {
    var caller =
        new AttachResult.Caller(
            Duration.ofSeconds(1), 9, 3 * MILLISECOND, 13 * MILLISECOND, 14 * MILLISECOND);
    var result =
        new AttachResult("Meanwhile", "1", 10, 20, List.of(caller, caller, caller, caller), 0);
    assertThat(AttachReport.tables(List.of(result)))
        .startsWith("| first token")
        .contains("| attached at +0.3 s | 3.00 / 13.0 / 14.0 |")
        .contains("| upstream calls (rounds) | 20 (10) |")
        .contains("| first token at +1 s, p50 | ≤ 4.00 ms | 3.00 ms | reached |")
        .contains("| first token at +1 s, p99 | ≤ 12.00 ms | 13.00 ms | **not reached** |")
        .contains("| upstream calls per round | ≤ 1.00 | 2.00 | **not reached** |")
        .contains("| callers without the whole text | ≤ 0.00 | 4.00 | **not reached** |");
  }

  @Test
  void everyCallerOfOriginItselfGetsAll() throws IOException {
    try (var loop = new Loop()) {
      var origin = new Origin(loop, 3);
      var millisecond = Duration.ofMillis(1);
      origin.plays(new Script.Stream(millisecond, 40, millisecond, Script.Ending.ENDS_WITH_USAGE));
      var callers = List.of(Duration.ZERO, millisecond, millisecond, millisecond);
      try (var load =
          new AttachLoad(loop, new Target(origin.port(), ""), callers, 1, 2, millisecond)) {
        assertThat(loop.run(load::isDone, Duration.ofMinutes(1))).isTrue();
        assertThat(AttachResult.callers(load.rounds()))
            .extracting(AttachResult.Caller::whole)
            .containsOnly(2);
        assertThat(origin.streams()).isEqualTo(8);
      }
    }
  }

  /// The first token is there at 500; the last caller gets nothing.
  private static AttachRound round(boolean firstIsWhole) {
    var round = new AttachRound(4);
    round.asked(0, 0);
    round.firstToken(0, 502, 500);
    round.asked(1, 300);
    round.firstToken(1, 505, 500);
    round.asked(2, 1000);
    round.firstToken(2, 1007, 500);
    round.whole(1);
    round.whole(2);
    if (firstIsWhole) {
      round.whole(0);
    }
    return round;
  }
}
