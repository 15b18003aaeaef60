package dev.meanwhile.crash;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Other troubles than a kill, each by its name.
final class Cases {
  private static final Duration IDLE = Duration.ofSeconds(60);
  private static final Pattern WAITING = Pattern.compile("(?m)^meanwhile_runs_kept ([0-9.]+)");

  private final long seed;
  private final Path work;
  private final Journal journal;
  private final List<Long> kills = new ArrayList<>();

  Cases(long seed, Path work) {
    this.seed = seed;
    this.work = work;
    this.journal = new Journal("c" + seed);
  }

  /// @return whether all went well
  boolean run(String name) throws IOException, SQLException {
    String said =
        switch (name) {
          case "unfinished" -> unfinished();
          case "postgres-killed" -> postgresKilled();
          case "connections-cut" -> connectionsCut();
          case "node-stopped" -> nodeStopped();
          case "disk-full" -> diskFull();
          case "fsync-error" -> fsync("error=EIO:when=30..45");
          case "fsync-slow" -> fsync("delay_exit=200000");
          case "wal-garbled" -> walGarbled();
          default -> throw new IllegalArgumentException("there is no case " + name);
        };
    System.out.println(name + ": " + said + "; " + journal.violations().size() + " violations");
    journal.violations().forEach(it -> System.out.println("  VIOLATION: " + it));
    return journal.violations().isEmpty();
  }

  private Node node(Storage storage, Upstream upstream, String name, List<String> wrapper) {
    var all = new ArrayList<>(storage.arguments());
    all.addAll(List.of("--upstream", upstream.baseUrl(), "--node", name));
    return new Node(wrapper, all, work.resolve(name + ".log"));
  }

  private void load(Http http, Node node, int millis) {
    try (var _ = new Load(http, node, journal, seed * 1_000 + journal.all().size())) {
      Pause.millis(millis);
    }
  }

  /// Everything that was promised is there, now and after a restart.
  private String settle(Http http, Node node, Storage storage, Upstream upstream)
      throws IOException, SQLException {
    var check = new Check(http, node, journal);
    if (!check.idle(IDLE)) {
      journal.violation("runs are under way 60 s after the trouble");
    }
    check.readAll();
    node.kill();
    kills.add(System.nanoTime());
    node.start();
    check.idle(IDLE);
    check.readAll();
    check.calls(upstream.calls(), kills);
    node.stop();
    storage.violations().forEach(journal::violation);
    long promised = journal.all().stream().filter(each -> each.run != null).count();
    long refused = journal.all().stream().filter(each -> each.refused).count();
    return "%d calls, %d promised, %d refused".formatted(journal.all().size(), promised, refused);
  }

  private String unfinished() throws IOException {
    int wanted = 10_000;
    try (var upstream = new Upstream();
        var http = new Http();
        var node =
            node(new SqliteStorage(work.resolve("data")), upstream, "unfinished", List.of())) {
      upstream.silent(true);
      node.start();
      var left = new AtomicInteger(wanted);
      var accepted = new AtomicInteger();
      var threads = new ArrayList<Thread>();
      for (int i = 0; i < 32; i++) {
        threads.add(
            Thread.ofVirtual()
                .start(() -> {
                  for (int n = left.getAndDecrement(); n > 0; n = left.getAndDecrement()) {
                    var question = new Question("u-" + n, 1, 0, false);
                    var answer =
                        http.send(
                            node.port(),
                            "POST",
                            "/v1/chat/completions",
                            question.body(),
                            Load.PREFER,
                            "respond-async");
                    if (answer != null && answer.status() == 202) {
                      accepted.incrementAndGet();
                    }
                  }
                }));
      }
      for (Thread thread : threads) {
        try {
          thread.join(Duration.ofMinutes(2));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      node.kill();
      int before = upstream.calls().size();
      long launched = System.nanoTime();
      long up = node.start();
      boolean all =
          Pause.until(Duration.ofSeconds(60), () -> waiting(http, node) >= accepted.get());
      double seconds = (System.nanoTime() - up) / 1e9;
      Pause.until(Duration.ofSeconds(10), () -> upstream.calls().size() > before);
      List<UpstreamCall> calls = upstream.calls();
      double first = calls.size() > before ? (calls.get(before).began() - up) / 1e6 : -1;
      if (!all || seconds > 5) {
        journal.violation("recovering took %.1f s after the process was up".formatted(seconds));
      }
      if (first < 0 || first > 2_000) {
        journal.violation("the first call came %.0f ms after the process was up".formatted(first));
      }
      return "%d unfinished runs recovered %.2f s after the process was up (which took %.2f s); first upstream call at %.0f ms"
          .formatted(accepted.get(), seconds, (up - launched) / 1e9, first);
    }
  }

  private static double waiting(Http http, Node node) {
    var metrics = http.get(node.port(), "/metrics");
    double sum = 0;
    if (metrics != null) {
      Matcher matcher = WAITING.matcher(metrics.body());
      while (matcher.find()) {
        sum += Double.parseDouble(matcher.group(1));
      }
    }
    return sum;
  }

  private String postgresKilled() throws IOException, SQLException {
    try (var storage = new PostgresStorage(work.resolve("postgres"));
        var upstream = new Upstream();
        var http = new Http();
        var node = node(storage, upstream, "a", List.of())) {
      node.start();
      for (int i = 0; i < 3; i++) {
        try (var _ = new Load(http, node, journal, seed + i)) {
          Pause.millis(1_500);
          storage.killAndRestart(Duration.ofSeconds(i));
          Pause.millis(1_500);
        }
      }
      return "PostgreSQL killed 3 times; " + settle(http, node, storage, upstream);
    }
  }

  private String connectionsCut() throws IOException, SQLException {
    try (var storage = new PostgresStorage(work.resolve("postgres"));
        var upstream = new Upstream();
        var http = new Http();
        var node = node(storage, upstream, "a", List.of())) {
      node.start();
      try (var _ = new Load(http, node, journal, seed)) {
        for (int i = 0; i < 10; i++) {
          Pause.millis(400 + i * 37L);
          storage.execute(
              "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()");
        }
      }
      return "all connections cut 10 times; " + settle(http, node, storage, upstream);
    }
  }

  private String nodeStopped() throws IOException, SQLException {
    try (var storage = new PostgresStorage(work.resolve("postgres"));
        var upstream = new Upstream();
        var http = new Http();
        var a = node(storage, upstream, "a", List.of());
        var b = node(storage, upstream, "b", List.of())) {
      a.start();
      b.start();
      try (var _ = new Load(http, a, journal, seed)) {
        Pause.millis(2_500);
        a.signal("STOP");
        kills.add(System.nanoTime());
      }
      var check = new Check(http, b, journal);
      if (!check.idle(Duration.ofSeconds(40))) {
        journal.violation("the other node did not finish within 40 s");
      }
      String before = logs(storage);
      int calls = upstream.calls().size();
      a.signal("CONT");
      Pause.millis(6_000);
      String after = logs(storage);
      if (!before.equals(after)) {
        journal.violation("the woken node wrote:\n" + before + "\n" + after);
      }
      int more = upstream.calls().size() - calls;
      String said = settle(http, b, storage, upstream);
      a.stop();
      return "stopped for longer than a lease; the woken node made %d upstream calls; %s"
          .formatted(more, said);
    }
  }

  private static String logs(PostgresStorage storage) throws SQLException {
    var all = new StringBuilder();
    try (Connection connection = storage.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select l.id, l.owner, l.attempt, l.status, l.ended_at, l.bytes, (select count(*) from piece p where p.n / 1048576 = l.n) from log l order by l.n")) {
      while (rows.next()) {
        for (int i = 1; i <= 7; i++) {
          all.append(rows.getString(i)).append(' ');
        }
        all.append('\n');
      }
    }
    return all.toString();
  }

  private String diskFull() throws IOException, SQLException {
    Path disk = Files.createDirectory(work.resolve("disk"));
    if (!command("mount", "-t", "tmpfs", "-o", "size=12m", "meanwhile-crash", disk.toString())) {
      return "SKIPPED: mounting a tmpfs is not allowed here";
    }
    try (var storage = new SqliteStorage(disk.resolve("data"));
        var upstream = new Upstream();
        var http = new Http();
        var node = node(storage, upstream, "full", List.of())) {
      node.start();
      load(http, node, 2_000);
      fill(disk.resolve("filler"));
      load(http, node, 4_000);
      var plain =
          http.send(
              node.port(),
              "POST",
              "/v1/chat/completions",
              new Question("plain", 2, 1, false).body());
      if (plain == null || plain.status() != 200) {
        journal.violation("a plain call on a full disk: " + plain);
      }
      Files.delete(disk.resolve("filler"));
      Pause.millis(1_500);
      int before = (int) journal.all().stream().filter(each -> each.run != null).count();
      load(http, node, 2_000);
      int after = (int) journal.all().stream().filter(each -> each.run != null).count();
      if (after == before) {
        journal.violation("nothing was promised again after there was room");
      }
      return settle(http, node, storage, upstream);
    } finally {
      command("umount", disk.toString());
    }
  }

  private static void fill(Path file) throws IOException {
    try (var out = Files.newOutputStream(file)) {
      byte[] some = new byte[4 << 10];
      for (int i = 0; i < 100_000; i++) {
        out.write(some);
      }
    } catch (IOException e) {
      if (!Files.exists(file)) {
        throw e;
      }
      // It is full: that is what is wanted.
    }
  }

  private String fsync(String what) throws IOException, SQLException {
    if (!Files.isExecutable(Path.of("/usr/bin/strace"))) {
      return "SKIPPED: strace is not installed (apt-get install strace)";
    }
    var wrapper =
        List.of(
            "strace",
            "-f",
            "-qq",
            "-A",
            "-o",
            work.resolve("strace.log").toString(),
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            "inject=fsync,fdatasync:" + what);
    try (var storage = new SqliteStorage(work.resolve("data"));
        var upstream = new Upstream();
        var http = new Http();
        var node = node(storage, upstream, "fsync", wrapper)) {
      node.start();
      load(http, node, 8_000);
      String said = settle(http, node, storage, upstream);
      long injected =
          Files.readAllLines(work.resolve("strace.log")).stream()
              .filter(line -> line.contains("INJECTED") || line.contains("DELAYED"))
              .count();
      return "%s; %d calls of the kernel were changed by strace".formatted(said, injected);
    }
  }

  private String walGarbled() throws IOException, SQLException {
    try (var storage = new SqliteStorage(work.resolve("data"));
        var upstream = new Upstream();
        var http = new Http();
        var node = node(storage, upstream, "wal", List.of())) {
      node.start();
      load(http, node, 3_000);
      node.kill();
      kills.add(System.nanoTime());
      Path wal = storage.directory().resolve("meanwhile.db-wal");
      long size = Files.size(wal);
      var random = new Random(seed);
      try (var file = new RandomAccessFile(wal.toFile(), "rw")) {
        file.seek(size / 2 + random.nextInt(1000));
        byte[] garbage = new byte[64];
        random.nextBytes(garbage);
        file.write(garbage);
      }
      String start;
      try {
        node.start();
        start = "it starts";
      } catch (IOException e) {
        return "it does not start, and says: " + e.getMessage();
      }
      var check = new Check(http, node, journal);
      if (!check.idle(IDLE)) {
        journal.violation("runs are under way 60 s after the start");
      }
      int there = 0;
      int gone = 0;
      for (Promised each : journal.all()) {
        if (each.run != null && !each.eraseAsked) {
          var answer = http.get(node.port(), "/v1/runs/" + each.run);
          if (answer != null && answer.status() == 200) {
            there++;
          } else if (answer != null && answer.status() == 404) {
            gone++;
          } else {
            journal.violation("%s: %s".formatted(each.run, answer));
          }
        }
      }
      node.stop();
      storage.violations().forEach(journal::violation);
      return "64 bytes in the middle of %,d of the -wal were overwritten: %s, %d promised runs are there and %d gone with the damaged half"
          .formatted(size, start, there, gone);
    }
  }

  private static boolean command(String... words) throws IOException {
    Process process =
        new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
