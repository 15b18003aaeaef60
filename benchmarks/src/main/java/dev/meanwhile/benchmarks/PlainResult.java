package dev.meanwhile.benchmarks;

/// What plain calls cost within a time.
record PlainResult(long calls, long failures, long nanos, Usage usage) {
  /// NaN if no call was answered, so that nothing seems to cost nothing beside it.
  double cpuMicrosPerCall() {
    return calls == 0 ? Double.NaN : usage.server() / 1e3 / calls;
  }

  double callsPerSecond() {
    return calls * 1e9 / nanos;
  }

  /// The part of its core that the server used, 0 to 1.
  double utilisation() {
    return (double) usage.server() / nanos;
  }

  /// The part of its core that others took, 0 to 1.
  double disturbance() {
    return (double) usage.others() / nanos;
  }
}
