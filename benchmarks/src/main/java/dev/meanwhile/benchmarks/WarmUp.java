package dev.meanwhile.benchmarks;

import java.time.Duration;

/// How a server was warmed before it was measured: by plain calls, then by streams.
record WarmUp(Part plain, Part streams) {
  /// How long it took, and whether the cost settled before the limit.
  record Part(Duration time, boolean settled) {
    @Override
    public String toString() {
      return "%.0f%s".formatted(time.toMillis() / 1e3, settled ? "" : " (not settled)");
    }
  }
}
