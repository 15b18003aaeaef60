package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// CPU time in nanoseconds, in steps of 10 ms: what the server used, and what everything else took
/// from its core, the machine's host included. The less of the latter, the better the figures.
record Usage(long server, long others) {
  private static final long NANOS_PER_TICK = 10_000_000;

  /// Until now, of core 0. Without a server all of it is the others'.
  static Usage now(Optional<ProcessTree> server) {
    var used = server.map(ProcessTree::cpuNanos).orElse(0L);
    try {
      var lines = Files.readAllLines(Path.of("/proc/stat"));
      return new Usage(used, takenTicks(lines, "cpu0") * NANOS_PER_TICK - used);
    } catch (IOException failure) {
      throw new IllegalStateException("Cannot read /proc/stat; this needs Linux", failure);
    }
  }

  /// All but idle and iowait, steal included; guests are in user time already.
  static long takenTicks(List<String> stat, String core) {
    for (var line : stat) {
      if (line.startsWith(core + " ")) {
        var fields = line.split(" +", -1);
        return List.of(1, 2, 3, 6, 7, 8).stream().mapToLong(i -> Long.parseLong(fields[i])).sum();
      }
    }
    throw new IllegalStateException("No " + core + " in /proc/stat");
  }

  Usage since(Usage earlier) {
    return new Usage(server - earlier.server, others - earlier.others);
  }

  Usage plus(Usage other) {
    return new Usage(server + other.server, others + other.others);
  }
}
