package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// What a process and all its children have used, as Linux counts it.
record ProcessTree(ProcessHandle root) {
  /// Linux shows CPU time to programs in hundredths of a second.
  private static final long NANOS_PER_TICK = 10_000_000;

  private static final long PAGE_BYTES = 4096;

  /// CPU time of all threads, living and ended, in user and kernel mode; in nanoseconds, in steps
  /// of 10 ms.
  long cpuNanos() {
    return processes().mapToLong(process -> ticks(read(process, "stat")) * NANOS_PER_TICK).sum();
  }

  /// Resident memory in bytes.
  long residentBytes() {
    return processes()
        .mapToLong(process -> Long.parseLong(read(process, "statm").split(" ", -1)[1]))
        .map(pages -> pages * PAGE_BYTES)
        .sum();
  }

  private Stream<ProcessHandle> processes() {
    return Stream.concat(Stream.of(root), root.descendants());
  }

  private static String read(ProcessHandle process, String file) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(process.pid()), file));
    } catch (IOException failure) {
      throw new IllegalStateException("Process " + process.pid() + " has ended", failure);
    }
  }

  /// utime + stime of a line of `/proc/PID/stat`, whose second field may contain blanks.
  static long ticks(String stat) {
    var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
  }
}
