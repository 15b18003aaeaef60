package dev.meanwhile.benchmarks;

import java.util.List;

/// What kept answers cost at one peer.
///
/// @param hits of short questions, then of long ones
/// @param cold many calls at once of what nobody has asked before
record CacheResult(String title, String version, List<Hits> hits, Cold cold) {
  CacheResult {
    hits = List.copyOf(hits);
  }

  /// Hits of questions of one size.
  ///
  /// @param question the size of a request's body, in bytes
  /// @param closed in a closed loop
  /// @param times at [CachePlan#PER_SECOND], from when a call was to be sent
  /// @param upstreamCalls how many of all these were no hits
  /// @param failures other answers than 200, and broken connections
  record Hits(
      int question,
      WarmUp.Part warmUp,
      PlainResult closed,
      Times times,
      long upstreamCalls,
      long failures) {}

  /// Bursts of calls that are no hits.
  ///
  /// @param upstreamCalls how many were made for the first burst, which asks one question
  /// @param bursts that of [CachePlan#SAME] callers, then those of [CachePlan#DISTINCT] callers of
  ///   as many questions
  record Cold(long upstreamCalls, List<Burst.Result> bursts) {
    Cold {
      bursts = List.copyOf(bursts);
    }

    /// How long the first burst of many questions took, in nanoseconds.
    long first() {
      return bursts.get(1).nanos();
    }

    /// The same of the median of them.
    long median() {
      var times = bursts.stream().skip(1).map(Burst.Result::nanos).sorted().toList();
      return times.get(times.size() / 2);
    }

    /// Calls of all bursts that were not answered.
    int unanswered() {
      return bursts.stream().mapToInt(Burst.Result::unanswered).sum();
    }
  }

  /// In nanoseconds.
  record Times(long median, long p99, long max) {}

  /// The part of the server's core that others took at most, 0 to 1.
  double disturbance() {
    return hits.stream().mapToDouble(hit -> hit.closed().disturbance()).max().orElse(0);
  }
}
