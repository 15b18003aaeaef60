package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Asks nginx as a cache, Portkey's gateway and Meanwhile for a stream that is under way already,
/// and for one that has just ended, and prints how long the first token takes and how many calls
/// went upstream. Started by `benchmarks/attach/run`, which pins this process to core 1; the server
/// under test has core 0 for itself.
public final class AttachBenchmark {
  private static final long SEED = 3;

  private final Loop loop;
  private final Origin origin;
  private final AttachPlan plan;
  private long groups = System.nanoTime();

  private AttachBenchmark(Loop loop, AttachPlan plan) throws IOException {
    this.loop = loop;
    this.plan = plan;
    origin = new Origin(loop, SEED);
    origin.plays(AttachPlan.STREAM);
  }

  /// See `benchmarks/attach/run --help` for the words.
  public static void main(String[] words) throws IOException {
    Locale.setDefault(Locale.ROOT);
    var options = Options.parse(List.of(words));
    var plan = options.quick() ? AttachPlan.quick() : AttachPlan.full();
    var work = options.path("work").orElseGet(() -> Path.of(".").toAbsolutePath());
    var began = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    var load = Machine.load();
    try (var loop = new Loop()) {
      var benchmark = new AttachBenchmark(loop, plan);
      var results = new ArrayList<AttachResult>();
      var failures = new StringBuilder();
      for (var peer : Peer.chosen(options)) {
        try {
          results.add(benchmark.measure(peer, work));
        } catch (IllegalStateException failure) {
          // One peer's failure must not cost what was measured of the others.
          System.err.println(peer.title() + " failed: " + failure.getMessage());
          failures.append("**%s failed: %s**\n\n".formatted(peer.title(), failure.getMessage()));
        }
      }
      var report =
          "# Attach benchmark, %s\n\n%s%s\n%s"
              .formatted(
                  began.toString().substring(0, 10),
                  failures,
                  AttachReport.tables(results),
                  AttachReport.method(options, plan, results, began, load));
      System.out.print(report);
      var record = options.path("record");
      if (record.isPresent()) {
        Files.writeString(record.get(), report);
      }
    }
  }

  private AttachResult measure(Peer peer, Path work) throws IOException {
    System.err.println(peer.title());
    try (var server = Server.start(peer, origin.port(), work)) {
      var target = server.target();
      var processes = Optional.of(server.processes());
      rounds(target, peer.isJvm() ? plan.warmUpRounds() : AttachPlan.FEW, plan.warmUpGap());
      var calls = origin.streams();
      var before = Usage.now(processes);
      var begin = System.nanoTime();
      var rounds = rounds(target, plan.rounds(), plan.gap());
      var usage = Usage.now(processes).since(before);
      return new AttachResult(
          peer.title(),
          peer.version(),
          rounds.size(),
          origin.streams() - calls,
          AttachResult.callers(rounds),
          (double) usage.others() / (System.nanoTime() - begin));
    }
  }

  private List<AttachRound> rounds(Target target, int count, Duration gap) {
    var first = groups;
    groups += count;
    try (var load = new AttachLoad(loop, target, AttachPlan.CALLERS, first, count, gap)) {
      loop.run(load::isDone, AttachPlan.limit(count, gap));
      return load.rounds();
    }
  }
}
