package dev.meanwhile.benchmarks;

import java.time.Duration;

/// What the async benchmark asks of Meanwhile and of its peers.
///
/// @param callers how many accept at once where each waits for its answer
/// @param warmUp calls to Meanwhile before it is measured: calls, not seconds, since it is calls
///   that a JVM compiles by, and a slow machine would be measured while it does
/// @param peerWarmUp the same of each peer
/// @param saturated how long each takes all that its callers give
/// @param paced how long Meanwhile takes half of that
/// @param finished how many runs are finished to see what they take on disk
record AsyncPlan(
    int callers,
    long warmUp,
    Duration peerWarmUp,
    Duration saturated,
    Duration paced,
    int finished) {
  /// The longest warm-up.
  static final Duration WARM_UP_LIMIT = Duration.ofSeconds(90);

  /// Connections of the paced load: so many that none waits for one.
  static final int PACED_CONNECTIONS = 256;

  /// Everything: about five minutes.
  static AsyncPlan full(int callers) {
    return new AsyncPlan(
        callers,
        350_000,
        Duration.ofSeconds(10),
        Duration.ofSeconds(10),
        Duration.ofSeconds(15),
        20_000);
  }

  /// A short run that shows whether all works; its figures are rough.
  static AsyncPlan quick(int callers) {
    return new AsyncPlan(
        callers,
        50_000,
        Duration.ofSeconds(2),
        Duration.ofSeconds(3),
        Duration.ofSeconds(5),
        4_000);
  }
}
