package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;

/// Replays traces with and without prefetch, and prints what it saves and costs. Started by
/// `benchmarks/prefetch/run`.
public final class PrefetchBenchmark {
  private PrefetchBenchmark() {}

  /// See `benchmarks/prefetch/run --help` for the words.
  public static void main(String[] words) throws IOException {
    Locale.setDefault(Locale.ROOT);
    var options = Options.parse(List.of(words));
    var began = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    var report =
        new StringBuilder("# Prefetch benchmark, " + began.toString().substring(0, 10) + "\n\n");
    var file = options.path("trace");
    if (file.isPresent()) {
      var trace = Trace.read(file.get());
      var results = Replay.all(trace);
      report
          .append(PrefetchReport.table(trace, results))
          .append(PrefetchReport.goals(results))
          .append('\n');
    }
    for (var trace : SyntheticTraces.all()) {
      report.append(PrefetchReport.table(trace, Replay.all(trace))).append('\n');
    }
    report.append(PrefetchReport.method(options, began));
    System.out.print(report);
    var record = options.path("record");
    if (record.isPresent()) {
      Files.writeString(record.get(), report);
    }
  }
}
