package dev.meanwhile.benchmarks;

import java.time.Duration;
import java.util.List;

/// What the attach benchmark asks of each peer: rounds, each a prompt of its own that several
/// callers ask for one after the other.
///
/// @param rounds how many are measured
/// @param warmUpRounds how many go before them to a JVM
/// @param gap between the beginnings of two rounds
/// @param warmUpGap the same in the warm-up
record AttachPlan(int rounds, int warmUpRounds, Duration gap, Duration warmUpGap) {
  /// Rounds that warm a peer which needs no compiling.
  static final int FEW = 20;

  /// When the callers of a round ask, after its first one; the first is the first.
  static final List<Duration> CALLERS =
      List.of(Duration.ZERO, Duration.ofMillis(300), Duration.ofSeconds(1), Duration.ofSeconds(3));

  /// Half a second to the first token, then one each 25 ms.
  static final Script.Stream STREAM =
      new Script.Stream(
          Duration.ofMillis(500), 40, Duration.ofMillis(25), Script.Ending.ENDS_WITH_USAGE);

  /// Everything: about two minutes for all peers.
  static AttachPlan full() {
    return new AttachPlan(300, 600, Duration.ofMillis(75), Duration.ofMillis(40));
  }

  /// A short run that shows whether all works; its figures are rough.
  static AttachPlan quick() {
    return new AttachPlan(60, 200, Duration.ofMillis(75), Duration.ofMillis(40));
  }

  /// From the beginning of the first round to the last caller's, and as long again as its stream
  /// may need.
  static Duration limit(int rounds, Duration gap) {
    return gap.multipliedBy(rounds)
        .plus(CALLERS.getLast())
        .plus(STREAM.length())
        .plus(Duration.ofSeconds(5));
  }
}
