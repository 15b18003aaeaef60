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

/// Puts the same load through nginx, Portkey's gateway and Meanwhile, one after the other, and
/// prints what each costs. Started by `benchmarks/relay/run`, which pins this process to core 1;
/// the server under test has core 0 for itself.
public final class RelayBenchmark {
  private static final long SEED = 2;

  private final Loop loop;
  private final Origin origin;
  private final Plan plan;
  private final Path work;
  private Optional<ScalingResult> scaling = Optional.empty();

  private RelayBenchmark(Loop loop, Plan plan, Path work) throws IOException {
    this.loop = loop;
    this.plan = plan;
    this.work = work;
    origin = new Origin(loop, SEED);
  }

  /// See `benchmarks/relay/run --help` for the words.
  public static void main(String[] words) throws IOException {
    Locale.setDefault(Locale.ROOT);
    var options = Options.parse(List.of(words));
    var plan = options.quick() ? Plan.quick() : Plan.full();
    var work = options.path("work").orElseGet(() -> Path.of(".").toAbsolutePath());
    var began = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    var load = Machine.load();
    try (var loop = new Loop()) {
      var benchmark = new RelayBenchmark(loop, plan, work);
      var results = new ArrayList<PeerResult>();
      var failures = new StringBuilder();
      results.add(benchmark.direct());
      for (var peer : Peer.chosen(options)) {
        try {
          results.add(benchmark.relay(peer));
        } catch (IllegalStateException failure) {
          // One peer's failure must not cost what was measured of the others.
          progress(peer.title(), "failed: " + failure.getMessage());
          failures.append("**%s failed: %s**\n\n".formatted(peer.title(), failure.getMessage()));
        }
      }
      var report =
          "# Relay benchmark, %s\n\n%s%s\n%s"
              .formatted(
                  began.toString().substring(0, 10),
                  failures,
                  new Report(results, benchmark.scaling).markdown(),
                  Method.describe(options, plan, results, began, load));
      System.out.print(report);
      var record = options.path("record");
      if (record.isPresent()) {
        Files.writeString(record.get(), report);
      }
    }
  }

  /// Without a relay: the floor of the delays, and the warm-up of this process.
  private PeerResult direct() {
    var target = new Target(origin.port(), "");
    return measure(
        PeerResult.DIRECT,
        "",
        new Measurement(loop, origin, target, () -> Usage.now(Optional.empty())),
        Optional.empty());
  }

  private PeerResult relay(Peer peer) throws IOException {
    var memory = memory(peer);
    try (var server = Server.start(peer, origin.port(), work)) {
      var measurement = measurement(server);
      var result = measure(peer.title(), peer.version(), measurement, Optional.of(memory));
      if (peer instanceof Peer.Meanwhile) {
        progress(peer.title(), "readers and length");
        scaling = Optional.of(measurement.scaling(plan));
      }
      return result;
    }
  }

  /// In a server of its own: the loads of the other measurements leave memory behind.
  private MemoryResult memory(Peer peer) throws IOException {
    progress(peer.title(), "memory");
    var accountable =
        switch (peer) {
          case Peer.Meanwhile meanwhile -> meanwhile.accountingForMemory();
          case Peer.Nginx _, Peer.Portkey _ -> peer;
        };
    try (var server = Server.start(accountable, origin.port(), work)) {
      var processes = server.processes();
      return measurement(server)
          .memory(
              plan.idle(),
              plan.idleWarmUp(),
              () -> peer.isJvm() ? Memory.ofJvm(processes) : Memory.of(processes));
    }
  }

  private Measurement measurement(Server server) {
    var processes = Optional.of(server.processes());
    return new Measurement(loop, origin, server.target(), () -> Usage.now(processes));
  }

  private PeerResult measure(
      String title, String version, Measurement measurement, Optional<MemoryResult> memory) {
    progress(title, "warm-up");
    var plainWarmUp =
        measurement.plainWarmUp(Script.shortAnswer(), plan.plainConnections(), plan.plainWarmUp());
    progress(title, "plain calls, after " + plainWarmUp + " s");
    var plain = measurement.plain(Script.shortAnswer(), plan.plainConnections(), plan.plainTime());
    var streamsWarmUp = measurement.streamsWarmUp(plan.warmUp(), plan.streamsWarmUp());
    progress(title, "streams, after " + streamsWarmUp + " s");
    var some = measurement.streams(plan.some());
    progress(title, "many streams");
    var many = measurement.streams(plan.many());
    // What the last streams left behind must not meet the next measurement.
    loop.run(Duration.ofSeconds(1));
    return new PeerResult(
        title, version, new WarmUp(plainWarmUp, streamsWarmUp), plain, some, many, memory);
  }

  private static void progress(String title, String what) {
    System.err.println(title + ": " + what);
  }
}
