package dev.meanwhile.benchmarks;

import java.util.Optional;

/// All that was measured of one peer. Without a relay there is no memory to measure.
record PeerResult(
    String title,
    String version,
    WarmUp warmUp,
    PlainResult plain,
    StreamResult some,
    StreamResult many,
    Optional<MemoryResult> memory) {
  /// The title of what is measured without a relay.
  static final String DIRECT = "direct";

  /// Whether there was a server, whose CPU time can be told.
  boolean isRelay() {
    return !title.equals(DIRECT);
  }

  /// The largest part of the server's core, 0 to 1, that others took in any measurement.
  double disturbance() {
    return isRelay()
        ? Math.max(
            plain.disturbance(), Math.max(some.window().disturbance(), many.window().disturbance()))
        : 0;
  }
}
