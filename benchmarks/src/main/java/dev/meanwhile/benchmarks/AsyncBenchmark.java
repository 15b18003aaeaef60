package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.Logger;

/// How fast Meanwhile promises background runs, on SQLite and on PostgreSQL, next to job libraries
/// that keep jobs in the same databases. Started by `benchmarks/async/run`.
public final class AsyncBenchmark {
  private static final long SEED = 4;
  private static final Duration HELD = Duration.ofHours(1);
  private static final Logger LOGS = Logger.getLogger("");
  private static final String PAYLOAD = "How far is the moon? ".repeat(12);

  private final Loop loop;
  private final Origin origin;
  private final AsyncPlan plan;
  private final Promising promising;
  private final PostgresServer postgres;
  private final List<ProcessTree> own;

  private AsyncBenchmark(Loop loop, AsyncPlan plan, Promising promising, PostgresServer postgres)
      throws IOException {
    this.loop = loop;
    this.plan = plan;
    this.promising = promising;
    this.postgres = postgres;
    origin = new Origin(loop, SEED);
    own = List.of(new ProcessTree(ProcessHandle.current()), postgres.processes());
  }

  /// See `benchmarks/async/run --help` for the words.
  public static void main(String[] words) throws IOException, SQLException {
    Locale.setDefault(Locale.ROOT);
    LOGS.setLevel(Level.SEVERE);
    var options = Options.parse(List.of(words));
    var callers = options.number("callers", 64);
    var plan = options.quick() ? AsyncPlan.quick(callers) : AsyncPlan.full(callers);
    var work = options.path("work").orElseGet(() -> Path.of(".").toAbsolutePath());
    var began = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    var load = Machine.load();
    var forces = Disks.forcesPerSecond(work);
    var promising = Promising.of(options, work);
    try (var loop = Loop.sleeping();
        var postgres = PostgresServer.start(work)) {
      var benchmark = new AsyncBenchmark(loop, plan, promising, postgres);
      var results = List.of(benchmark.sqlite(), benchmark.postgres());
      var report =
          "# Async benchmark, %s\n\n%s\n%s"
              .formatted(
                  began.toString().substring(0, 10),
                  AsyncReport.tables(results, plan),
                  AsyncReport.method(
                      options,
                      plan,
                      promising.meanwhile().version() + "; PostgreSQL " + postgres.version(),
                      began,
                      load,
                      List.of(forces, Disks.forcesPerSecond(work))));
      System.out.print(report);
      var record = options.path("record");
      if (record.isPresent()) {
        Files.writeString(record.get(), report);
      }
    }
  }

  private AsyncResult sqlite() throws IOException, SQLException {
    var directory = promising.directory("sqlite");
    return measure(
        "SQLite",
        List.of(),
        new JobQueue.Place.Sqlite(directory.resolve("db-scheduler.db")),
        new JobQueue.Place.Sqlite(directory.resolve("jobrunr.db")),
        List.of(),
        () -> Disks.bytes(promising.directory("SQLite-finished").resolve("data")));
  }

  private AsyncResult postgres() throws IOException, SQLException {
    return measure(
        "PostgreSQL",
        List.of("--store", postgres.create("meanwhile")),
        new JobQueue.Place.Postgres(postgres.create("db_scheduler")),
        new JobQueue.Place.Postgres(postgres.create("jobrunr")),
        List.of("--store", postgres.create("finished")),
        () -> postgres.bytes("finished"));
  }

  private AsyncResult measure(
      String database,
      List<String> flags,
      JobQueue.Place dbScheduler,
      JobQueue.Place jobRunr,
      List<String> flagsOfFinished,
      Bytes bytes)
      throws IOException, SQLException {
    var peers = new ArrayList<AsyncResult.Rate>();
    try (var queue = JobQueue.DbScheduler.open(dbScheduler, plan.callers())) {
      peers.add(peer(database, queue));
    }
    AsyncResult.Rate accepted;
    long refused;
    AsyncResult.Paced paced;
    // Holds every answer, so that the one background call there is takes no core.
    origin.plays(new Script.Plain(600, HELD));
    try (var server =
        promising.start(promising.directory(database + "-accepted"), origin.port(), 1, flags)) {
      progress(database, "Meanwhile, accepting");
      var others = new Others(own);
      try (var load = new PlainLoad(loop, server.target(), plan.callers(), 202)) {
        loop.run(() -> load.answers() >= plan.warmUp(), AsyncPlan.WARM_UP_LIMIT);
        others.begin();
        var before = load.answers();
        var began = System.nanoTime();
        loop.run(plan.saturated());
        var kept = load.answers() - before;
        var rate = kept * 1e9 / (System.nanoTime() - began);
        accepted =
            new AsyncResult.Rate("Meanwhile", rate, others.ownNanos() / 1e3 / kept, others.part());
        refused = load.failures();
      }
      postgres.checkpoint();
      progress(database, "Meanwhile, at half of %,.0f/s".formatted(accepted.perSecond()));
      paced = paced(server.target(), accepted.perSecond() / 2);
    }
    try (var queue = JobQueue.JobRunr.open(jobRunr, plan.callers())) {
      peers.add(peer(database, queue));
    }
    var disk = disk(database, flagsOfFinished, bytes);
    return new AsyncResult(database, accepted, refused, paced, peers, disk);
  }

  private AsyncResult.Paced paced(Target target, double rate) {
    try (var load = new OpenLoad(loop, target, AsyncPlan.PACED_CONNECTIONS, rate, 202, SEED)) {
      loop.run(Duration.ofSeconds(2));
      load.reset();
      var others = new Others(own);
      loop.run(plan.paced());
      var part = others.part();
      load.stop();
      loop.run(load::isDone, Duration.ofSeconds(10));
      var times = load.times();
      return new AsyncResult.Paced(
          rate,
          times.getTotalCount(),
          load.failures(),
          times.getValueAtPercentile(50),
          times.getValueAtPercentile(99),
          times.getMaxValue(),
          part);
    }
  }

  private AsyncResult.Rate peer(String database, JobQueue queue) {
    progress(database, queue.title());
    var others = new Others(own);
    var load = new EnqueueLoad(queue, plan.callers(), PAYLOAD);
    return load.measure(plan.peerWarmUp(), plan.saturated(), others);
  }

  private AsyncResult.Disk disk(String database, List<String> flags, Bytes bytes)
      throws IOException, SQLException {
    progress(database, "Meanwhile, finishing");
    origin.plays(Script.shortAnswer());
    var before = origin.plainAnswers();
    int runs;
    double seconds;
    try (var server =
        promising.start(promising.directory(database + "-finished"), origin.port(), 16, flags)) {
      var began = System.nanoTime();
      long accepted;
      try (var load = new PlainLoad(loop, server.target(), 16, 202)) {
        loop.run(() -> load.answers() >= plan.finished(), Duration.ofMinutes(2));
        accepted = load.answers();
      }
      // A few more were on their way when the connections closed.
      loop.run(() -> origin.plainAnswers() - before >= accepted, Duration.ofMinutes(2));
      seconds = (System.nanoTime() - began) / 1e9;
      loop.run(Duration.ofSeconds(2));
      runs = (int) (origin.plainAnswers() - before);
    }
    return new AsyncResult.Disk(runs, bytes.count(), seconds);
  }

  private interface Bytes {
    long count() throws IOException, SQLException;
  }

  private static void progress(String database, String what) {
    System.err.println(database + ": " + what);
  }
}
