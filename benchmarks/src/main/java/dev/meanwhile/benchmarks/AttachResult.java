package dev.meanwhile.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// What the rounds came to at one peer.
///
/// @param rounds how many were begun
/// @param upstreamCalls how many calls the origin got for them
/// @param callers one entry per caller of a round, the first first
/// @param others the part of the server's core, 0 to 1, that others took
record AttachResult(
    String title,
    String version,
    int rounds,
    int upstreamCalls,
    List<Caller> callers,
    double others) {
  AttachResult {
    callers = List.copyOf(callers);
  }

  /// The callers that ask so long after the first, over all rounds: how many got the whole text,
  /// and how long these waited for the first token once there was one; in nanoseconds, 0 if there
  /// are none.
  record Caller(Duration after, int whole, long median, long p99, long max) {}

  /// What these rounds say of each caller.
  static List<Caller> callers(List<AttachRound> rounds) {
    var callers = new ArrayList<Caller>();
    for (var i = 0; i < AttachPlan.CALLERS.size(); i++) {
      var number = i;
      var waited =
          rounds.stream()
              .filter(round -> round.isWhole(number))
              .mapToLong(round -> round.waited(number))
              .sorted()
              .toArray();
      callers.add(
          new Caller(
              AttachPlan.CALLERS.get(i),
              waited.length,
              percentile(waited, 50),
              percentile(waited, 99),
              percentile(waited, 100)));
    }
    return callers;
  }

  /// The smallest value that so many percent do not exceed; 0 of none.
  static long percentile(long[] sorted, int percent) {
    return sorted.length == 0
        ? 0
        : sorted[Math.max(0, Math.ceilDiv(sorted.length * percent, 100) - 1)];
  }

  /// Callers, of all rounds, that did not get the whole text.
  int incomplete() {
    return rounds * callers.size() - callers.stream().mapToInt(Caller::whole).sum();
  }

  /// The callers that attach: all but the first.
  List<Caller> attachers() {
    return callers.subList(1, callers.size());
  }
}
