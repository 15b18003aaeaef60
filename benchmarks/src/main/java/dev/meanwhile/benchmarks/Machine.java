package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// What the figures were measured on.
final class Machine {
  private Machine() {}

  /// Processor, cores, memory and operating system.
  static String description() throws IOException {
    var processor =
        Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
            .filter(line -> line.startsWith("model name"))
            .findFirst()
            .map(line -> line.substring(line.indexOf(':') + 2))
            .orElse(System.getProperty("os.arch"));
    var memory = Files.readAllLines(Path.of("/proc/meminfo")).getFirst().replaceAll("\\D", "");
    return "%s, %s cores, %d GB, Linux %s"
        .formatted(
            processor,
            Shell.output(List.of("nproc", "--all")),
            Math.round(Long.parseLong(memory) / 1024.0 / 1024),
            System.getProperty("os.version"));
  }

  /// The load average of the last minute: what else ran when the benchmark began.
  static String load() throws IOException {
    return Files.readString(Path.of("/proc/loadavg")).split(" ", -1)[0];
  }
}
