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
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/// Asks nginx as a cache and Meanwhile for what they have kept, and prints what a hit costs, what
/// many callers of what is not kept get, and what the key of a long request takes to compute.
/// Started by `benchmarks/cache/run`, which pins this process to core 1; the server under test has
/// core 0 for itself.
public final class CacheBenchmark {
  private static final long SEED = 7;

  /// Far more than any burst should take.
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /// What makes a call a cached one for Meanwhile; nginx passes it on unread.
  private static final String OPERATION = "meanwhile-operation: answer\r\n";

  private final Loop loop;
  private final Origin origin;
  private final CachePlan plan;
  private final Path work;

  private CacheBenchmark(Loop loop, CachePlan plan, Path work) throws IOException {
    this.loop = loop;
    this.plan = plan;
    this.work = work;
    origin = new Origin(loop, SEED);
    origin.plays(new Script.Plain(CachePlan.ANSWER, Duration.ZERO));
  }

  /// See `benchmarks/cache/run --help` for the words.
  public static void main(String[] words) throws IOException {
    Locale.setDefault(Locale.ROOT);
    var options = Options.parse(List.of(words));
    var plan = options.quick() ? CachePlan.quick() : CachePlan.full();
    var work = options.path("work").orElseGet(() -> Path.of(".").toAbsolutePath());
    var began = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    var load = Machine.load();
    try (var loop = new Loop()) {
      var benchmark = new CacheBenchmark(loop, plan, work);
      var results = new ArrayList<CacheResult>();
      for (var peer : Peer.chosen(options)) {
        results.add(benchmark.measure(peer));
      }
      System.err.println("keys");
      var keys = KeyCost.measure(CachePlan.LONG_QUESTION, plan.warmUp());
      var report =
          "# Cache benchmark, %s\n\n%s\n%s"
              .formatted(
                  began.toString().substring(0, 10),
                  CacheReport.tables(results, keys),
                  CacheReport.method(options, plan, results, began, load));
      System.out.print(report);
      var record = options.path("record");
      if (record.isPresent()) {
        Files.writeString(record.get(), report);
      }
    }
  }

  private CacheResult measure(Peer peer) throws IOException {
    try (var server = start(peer)) {
      var hits = new ArrayList<CacheResult.Hits>();
      for (var padding : List.of(0, CachePlan.LONG_QUESTION)) {
        System.err.println(peer.title() + ": " + (padding == 0 ? "short" : "long") + " questions");
        var port = server.target().port();
        hits.add(hits(server, new Target(port, OPERATION, Target.question(padding))));
      }
      System.err.println(peer.title() + ": cold");
      return new CacheResult(peer.title(), peer.version(), hits, cold(server.target().port()));
    }
  }

  private CacheResult.Cold cold(int port) {
    origin.plays(new Script.Plain(CachePlan.ANSWER, CachePlan.SLOW));
    var before = origin.plainAnswers();
    var bursts = new ArrayList<Burst.Result>();
    bursts.add(burst(port, CachePlan.SAME, _ -> "star"));
    var calls = origin.plainAnswers() - before;
    for (var i = 0; i < plan.bursts(); i++) {
      var number = i;
      bursts.add(burst(port, CachePlan.DISTINCT, call -> "planet " + number + "." + call));
    }
    return new CacheResult.Cold(calls, bursts);
  }

  private Burst.Result burst(int port, int count, IntFunction<String> what) {
    var calls =
        IntStream.range(0, count)
            .mapToObj(call ->
                new Target(port, OPERATION, "How far is " + what.apply(call) + "?").plainCall())
            .toList();
    try (var burst = new Burst(loop, new Target(port, OPERATION), calls, PATIENCE)) {
      return burst.send(PATIENCE);
    }
  }

  private Server start(Peer peer) throws IOException {
    if (!(peer instanceof Peer.Meanwhile meanwhile)) {
      return Server.start(peer, origin.port(), work);
    }
    var directory = Files.createTempDirectory(work, "cache");
    var file = directory.resolve("meanwhile.yaml");
    Files.writeString(
        file,
        """
        upstreams: {origin: {base-url: "http://127.0.0.1:%d/v1", api-key: benchmark}}
        operations: {answer: {deliver: sync, cache: {max-age: 24h}}}
        """
            .formatted(origin.port()));
    var port = Server.freePort();
    var words = new ArrayList<>(List.of("taskset", "-c", "0"));
    words.addAll(meanwhile.command(port, List.of("--config", file.toString())));
    return Server.start(peer.title(), new Target(port, ""), words, directory);
  }

  private CacheResult.Hits hits(Server server, Target target) {
    var processes = Optional.of(server.processes());
    var measurement = new Measurement(loop, origin, target, () -> Usage.now(processes));
    var answer = new Script.Plain(CachePlan.ANSWER, Duration.ZERO);
    var warmUp = measurement.plainWarmUp(answer, CachePlan.CONNECTIONS, plan.warmUp());
    var before = origin.plainAnswers();
    var closed = measurement.plain(answer, CachePlan.CONNECTIONS, plan.closed());
    try (var paced =
        new OpenLoad(loop, target, CachePlan.CONNECTIONS, CachePlan.PER_SECOND, 200, SEED)) {
      loop.run(Duration.ofSeconds(1));
      paced.reset();
      loop.run(plan.paced());
      var times = paced.times();
      return new CacheResult.Hits(
          target.bodyBytes(),
          warmUp,
          closed,
          new CacheResult.Times(
              times.getValueAtPercentile(50), times.getValueAtPercentile(99), times.getMaxValue()),
          origin.plainAnswers() - before,
          closed.failures() + paced.failures());
    }
  }
}
