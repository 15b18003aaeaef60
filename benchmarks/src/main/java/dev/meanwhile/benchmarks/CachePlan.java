package dev.meanwhile.benchmarks;

import java.time.Duration;

/// How long each part of the cache benchmark takes.
///
/// @param warmUp calls until their cost has settled, for so long at most
/// @param closed calls of which each connection sends the next when it has its answer
/// @param paced calls at [#PER_SECOND]
/// @param bursts of [#DISTINCT] calls
record CachePlan(Duration warmUp, Duration closed, Duration paced, int bursts) {
  /// Connections of the callers.
  static final int CONNECTIONS = 64;

  /// Bytes of an answer.
  static final int ANSWER = 2_048;

  /// Bytes of a long question, about.
  static final int LONG_QUESTION = 8_192;

  /// The rate at which the time of a hit is taken.
  static final int PER_SECOND = 1_000;

  /// Callers at once of one question that nobody has asked before.
  static final int SAME = 1_000;

  /// Callers at once, each of a question of its own.
  static final int DISTINCT = 2_000;

  /// What the origin takes to answer such a question.
  static final Duration SLOW = Duration.ofMillis(500);

  /// Everything: about three minutes.
  static CachePlan full() {
    return new CachePlan(Duration.ofSeconds(60), Duration.ofSeconds(8), Duration.ofSeconds(10), 5);
  }

  /// A short run that shows whether all works; its figures are rough.
  static CachePlan quick() {
    return new CachePlan(Duration.ofSeconds(12), Duration.ofSeconds(2), Duration.ofSeconds(2), 3);
  }
}
