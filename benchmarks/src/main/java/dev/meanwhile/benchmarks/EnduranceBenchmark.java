package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Whether Meanwhile stays as it is: many short promised runs through one process that keeps only
/// the latest, and starts over a database that is full. Started by `benchmarks/endurance/run`.
public final class EnduranceBenchmark {
  private static final int SAMPLES = 12;
  private static final int STARTS = 3;
  private static final long SEED = 5;

  private final Loop loop;
  private final Origin origin;
  private final Promising promising;

  private EnduranceBenchmark(Loop loop, Promising promising) throws IOException {
    this.loop = loop;
    this.promising = promising;
    origin = new Origin(loop, SEED);
  }

  /// See `benchmarks/endurance/run --help` for the words.
  public static void main(String[] words) throws IOException {
    Locale.setDefault(Locale.ROOT);
    var options = Options.parse(List.of(words));
    var work = options.path("work").orElseGet(() -> Path.of(".").toAbsolutePath());
    var plan =
        new EnduranceReport.Plan(
            options.number("runs", options.quick() ? 40_000 : 240_000),
            options.number("rate", 1_000),
            options.number("stored", options.quick() ? 50_000 : 1_000_000));
    var began = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    var load = Machine.load();
    try (var loop = Loop.sleeping()) {
      var benchmark = new EnduranceBenchmark(loop, Promising.of(options, work));
      var steady = benchmark.steady(plan);
      var start = benchmark.start(plan);
      var report =
          "# Endurance benchmark, %s\n\n%s\n%s"
              .formatted(
                  began.toString().substring(0, 10),
                  EnduranceReport.tables(plan, steady, start),
                  EnduranceReport.method(
                      options, plan, benchmark.promising.meanwhile().version(), began, load));
      System.out.print(report);
      var record = options.path("record");
      if (record.isPresent()) {
        Files.writeString(record.get(), report);
      }
    }
  }

  private EnduranceReport.Steady steady(EnduranceReport.Plan plan) throws IOException {
    var directory = promising.directory("steady");
    var samples = new ArrayList<EnduranceReport.Sample>();
    var flags =
        List.of(
            "--keep-stored", "30s", "--max-data", "1GB", "--keep", "10s", "--retry-window", "5s");
    try (var server = promising.start(directory, origin.port(), 16, flags)) {
      var began = System.nanoTime();
      long failures;
      try (var calls =
          new OpenLoad(
              loop, server.target(), AsyncPlan.PACED_CONNECTIONS, plan.rate(), 202, SEED)) {
        for (var i = 1; i <= SAMPLES; i++) {
          var until = (long) plan.runs() * i / SAMPLES;
          loop.run(
              () -> calls.begun() >= until,
              Duration.ofSeconds(30 + 4L * plan.runs() / SAMPLES / plan.rate()));
          samples.add(
              new EnduranceReport.Sample(
                  (System.nanoTime() - began) / 1_000_000_000,
                  origin.plainAnswers(),
                  calls.begun() - origin.plainAnswers(),
                  Memory.heapAfterCollection(server.processes()),
                  server.processes().residentBytes(),
                  Disks.bytes(directory.resolve("data"))));
          System.err.println(samples.getLast());
        }
        calls.stop();
        loop.run(calls::isDone, Duration.ofSeconds(30));
        failures = calls.failures();
      }
      return new EnduranceReport.Steady(samples, failures);
    }
  }

  private EnduranceReport.Start start(EnduranceReport.Plan plan) throws IOException {
    var empty = promising.directory("empty");
    var full = promising.directory("full");
    System.err.println("storing %,d runs".formatted(plan.stored()));
    var filling = System.nanoTime();
    StoredRuns.fill(full.resolve("data"), plan.stored());
    var seconds = (System.nanoTime() - filling) / 1e9;
    var bytes = Disks.bytes(full.resolve("data"));
    var ofEmpty = new long[STARTS];
    var ofFull = new long[STARTS];
    for (var i = 0; i < STARTS; i++) {
      ofEmpty[i] = untilPromised(empty);
      ofFull[i] = untilPromised(full);
    }
    Arrays.sort(ofEmpty);
    Arrays.sort(ofFull);
    return new EnduranceReport.Start(
        seconds, bytes, ofEmpty[STARTS / 2] / 1e6, ofFull[STARTS / 2] / 1e6);
  }

  /// From the start of the process to its first 202, in nanoseconds.
  private long untilPromised(Path directory) throws IOException {
    var began = System.nanoTime();
    try (var server = promising.start(directory, origin.port(), 16, List.of());
        var calls = new PlainLoad(loop, server.target(), 1, 202)) {
      if (!loop.run(() -> calls.answers() > 0, Duration.ofSeconds(30))) {
        throw new IllegalStateException("Nothing was promised within 30 s");
      }
      return System.nanoTime() - began;
    }
  }
}
