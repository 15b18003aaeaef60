package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// What the benchmark takes of all cores, and what everything else does, the machine's host
/// included.
final class Others {
  private final List<ProcessTree> own;
  private long since;
  private long used;
  private long began;

  Others(List<ProcessTree> own) {
    this.own = List.copyOf(own);
    begin();
  }

  /// Begins anew.
  void begin() {
    since = nanos();
    used = own();
    began = System.nanoTime();
  }

  /// The part of all cores that others took since the beginning, 0 to 1.
  double part() {
    var time = (System.nanoTime() - began) * (double) Runtime.getRuntime().availableProcessors();
    return Math.max(0, (nanos() - since) / time);
  }

  /// The CPU time that the benchmark's own took since the beginning, in nanoseconds.
  long ownNanos() {
    return own() - used;
  }

  private long own() {
    return own.stream().mapToLong(ProcessTree::cpuNanos).sum();
  }

  private long nanos() {
    try {
      var all = Usage.takenTicks(Files.readAllLines(Path.of("/proc/stat")), "cpu") * 10_000_000;
      return all - own();
    } catch (IOException failure) {
      throw new IllegalStateException("Cannot read /proc/stat; this needs Linux", failure);
    }
  }
}
