package dev.meanwhile.benchmarks;

import java.util.OptionalDouble;

/// The memory of a server without streams, and with so many of them open.
record MemoryResult(Memory idle, Memory open, int streams) {
  /// Resident kilobytes (1,024 bytes) over idle, per stream.
  double residentPerStream() {
    return (open.resident() - idle.resident()) / 1024.0 / streams;
  }

  /// Kilobytes over idle that a JVM really holds, per stream.
  OptionalDouble livePerStream() {
    if (idle.live().isEmpty() || open.live().isEmpty()) {
      return OptionalDouble.empty();
    }
    return OptionalDouble.of(
        (open.live().getAsLong() - idle.live().getAsLong()) / 1024.0 / streams);
  }
}
