package dev.meanwhile.crash;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// A server killed again and again while it deletes what it need not keep any longer: what it has
/// to keep stays as it was, nothing is deleted by half, and what is left goes in the end.
final class RetentionKills {
  private static final int COPIES = 200;
  private static final long APART = 1_000_000;
  private static final String OLD = "select count(*) from log where id like '%-old-%'";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /// Each makes one more old copy of all that has ended; the argument is the copy's number.
  private static final List<String> COPY =
      List.of(
          "insert into log (n, id, tenant, upstream, priority, created_at, not_before, owner,"
              + " attempt, lost, status, ended_at, bytes, head, terminal)"
              + " select n + %1$d, id || '-old-%2$d', tenant, upstream, priority, created_at,"
              + " not_before, owner, attempt, lost, status, ended_at - 200000000, lasting, bytes, head,"
              + " terminal from log where id not like '%%-old-%%'",
          "insert into request (log, body) select log + %1$d, body from request where log < "
              + APART,
          "insert into piece (n, attempt, upto, bytes)"
              + " select n + %1$d * cast(1048576 as bigint), attempt, upto, bytes from piece"
              + " where n < "
              + APART * 1_048_576,
          "insert into run (id, log, tenant, about, created_at, cut_at, cut_end,"
              + " cancel_requested, webhook, mail, api) select id || '-old-%2$d', log + %1$d, tenant, about,"
              + " created_at, cut_at, cut_end, cancel_requested, webhook, mail, api from run"
              + " where log < "
              + APART);

  private final Storage storage;
  private final int kills;
  private final Path work;
  private final Journal journal;
  private final Random random;
  private final List<Long> killedAt = new ArrayList<>();

  RetentionKills(Storage storage, long seed, int kills, Path work) {
    this.storage = storage;
    this.kills = kills;
    this.work = work;
    journal = new Journal("t" + seed);
    random = new Random(seed);
  }

  /// @return whether all went well
  boolean run() throws IOException, SQLException {
    try (var upstream = new Upstream();
        var http = new Http();
        var node = new Node(List.of(), arguments(upstream), work.resolve("retention.log"))) {
      node.start();
      try (var _ = new Load(http, node, journal, 1)) {
        Pause.millis(3_000);
      }
      var check = new Check(http, node, journal);
      if (!check.idle(PATIENCE)) {
        journal.violation("runs are under way 60 s after the load");
      }
      check.readAll();
      node.stop();
      long before = age();
      int within = 0;
      for (int i = 0; i < kills && before > 0; i++) {
        within += killWithin(node, before) ? 1 : 0;
        long after = old();
        if (after == before) {
          journal.violation("nothing was deleted before kill " + i);
        }
        if (after > before) {
          journal.violation("of %d old logs there are %d".formatted(before, after));
        }
        before = after;
        storage.violations().forEach(journal::violation);
        if (after == 0) {
          before = age();
        }
      }
      due();
      node.start();
      if (!Pause.until(PATIENCE, () -> counted() == 0)) {
        journal.violation("old logs are still there 60 s after the last start");
      }
      check.readAll();
      check.calls(upstream.calls(), killedAt);
      node.stop();
      storage.violations().forEach(journal::violation);
      long promised = journal.all().stream().filter(each -> each.run != null).count();
      System.out.printf(
          "retention on %s: %d kills, %d of them with some of the old logs gone and some there; %d promised runs kept; %d violations%n",
          storage.title(), killedAt.size(), within, promised, journal.violations().size());
    }
    journal.violations().forEach(it -> System.out.println("  VIOLATION: " + it));
    return journal.violations().isEmpty();
  }

  private List<String> arguments(Upstream upstream) {
    var all = new ArrayList<>(storage.arguments());
    all.addAll(List.of("--upstream", upstream.baseUrl(), "--node", "crash"));
    return all;
  }

  /// @return whether the kill came when some were deleted and some were not
  private boolean killWithin(Node node, long before) throws IOException, SQLException {
    due();
    node.start();
    if (!Pause.until(PATIENCE, () -> counted() < before)) {
      journal.violation("retention did not begin within 60 s");
    }
    Pause.millis(random.nextInt(40));
    node.kill();
    killedAt.add(System.nanoTime());
    long after = old();
    return after > 0 && after < before;
  }

  /// Makes thousands of old logs out of those that are there.
  ///
  /// @return how many
  private long age() throws SQLException {
    try (Connection connection = storage.connect()) {
      connection.setAutoCommit(false);
      for (int copy = 1; copy <= COPIES; copy++) {
        for (String sql : COPY) {
          execute(connection, sql.formatted(copy * APART, copy));
        }
      }
      connection.commit();
    }
    return old();
  }

  /// Else it would be a minute after the last time, or when db-scheduler takes the killed one for
  /// dead.
  private void due() throws SQLException {
    try (Connection connection = storage.connect()) {
      execute(connection, "delete from scheduled_tasks");
    }
  }

  private long old() throws SQLException {
    try (Connection connection = storage.connect()) {
      return Storage.number(connection, OLD);
    }
  }

  private long counted() {
    try {
      return old();
    } catch (SQLException e) {
      return Long.MAX_VALUE; // it is just being written
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
