package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store.Claimed;
import dev.meanwhile.store.Store.Taken;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredLine;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Batches and their lines.
///
/// The logs of lines that wait belong to their batch: their owner is minus its number, which is no
/// node's, so nobody claims them. A node takes some of them as it has room. The batch counts, in
/// the transaction that ends a line; whoever ends the last one ends it, for its row is locked from
/// the count to the commit.
final class Batches {
  /// Who owns the log of a batch itself: nobody ever.
  private static final long NOBODY = Long.MIN_VALUE;

  /// As long as its batch: neither as others nor as those that last longer.
  private static final int AS_ITS_BATCH = 2;

  /// How many lines end at once of a batch that is to be stopped, and are deleted at once of one
  /// that is gone.
  private static final int SOME = 500;

  /// How many bytes of requests are taken, or of answers read, at once.
  private static final long MOST_BYTES = 16 << 20;

  private static final String READING =
      "select n from batch where id = ? and reader = ? and log = 0 and dropped = 0";
  private static final String BEGIN =
      "insert into batch (id, log, reader, tenant, upstream, total, completed, failed, cancelled,"
          + " dropped) values (?, 0, ?, ?, ?, 0, 0, 0, 0, 0) on conflict do nothing";
  private static final String LOG =
      "insert into log (id, tenant, upstream, priority, created_at, not_before, owner, attempt,"
          + " lost, lasting, name, status, ended_at, bytes)"
          + " values (?, ?, ?, ?, ?, ?, ?, 0, 0, "
          + AS_ITS_BATCH
          + ", '', 'queued', 0, 0) on conflict do nothing";
  private static final String REQUEST =
      "insert into request (log, body) select n, ? from log where id = ? on conflict do nothing";
  private static final String RUN =
      "insert into run (id, log, tenant, about, created_at, cut_at, cut_end, cancel_requested,"
          + " webhook, api, batch, lines)"
          + " select ?, n, ?, ?, ?, 0, 0, 0, '', '', ?, 0 from log where id = ?"
          + " on conflict do nothing";
  private static final String LINE =
      "insert into line (batch, number, id, log) select ?, ?, ?, n from log where id = ?"
          + " on conflict do nothing";
  private static final String ONE_MORE = "update run set lines = lines + 1 where id = ?";
  private static final String NUMBER = "select number from line where batch = ? and id = ?";

  private static final String HOW_MANY = "select count(*) from line where batch = ?";
  private static final String SUBMITTED = "select n from batch where id = ? and log > 0";
  private static final String SUBMIT =
      "update batch set total = ?, log = (select n from log where id = ?) where n = ?";
  private static final String DROP =
      "update batch set dropped = 1 where id = ? and log = 0 and dropped = 0";

  private static final String IS_OPEN =
      "b.log > 0 and b.completed + b.failed + b.cancelled < b.total";
  private static final String ANY_OPEN = "select 1 from batch b where " + IS_OPEN + " limit 1";
  private static final String OF_LOG =
      "select r.batch, r.lines from run r where r.batch > 0"
          + " and r.log = (select n from log where id = ?)";
  private static final String COUNT =
      "update batch set completed = completed + ?, failed = failed + ?, cancelled = cancelled + ?"
          + " where n = ? returning log, total - completed - failed - cancelled";
  private static final String ITS_LOG =
      "select l.id, r.cancel_requested from log l join run r on r.log = l.n where l.n = ?";

  private static final String TAKEN_LINES =
      "select r.id from log l join run r on r.log = l.n"
          + " where l.ended_at = 0 and l.owner >= 0 and r.batch = ?"
          // Those that wait first: they need not be called in the place of those that are stopped.
          + " order by l.status desc, l.n";
  private static final String HELD =
      "select l.n, r.lines, length(q.body) from log l join run r on r.log = l.n"
          + " join request q on q.log = l.n where l.ended_at = 0 and l.owner = ?"
          + " order by l.priority, l.created_at, l.n limit ?";
  // With a limit, so that it is looked up for each of them and not joined with all logs.
  private static final String ANY_HELD =
      "(select log.n from log where log.owner = -b.n and log.ended_at = 0 limit 1) is not null";

  private static final String FIND =
      "select "
          + Rows.LOG
          + ", "
          + Rows.RUN
          + ", b.total, b.completed, b.failed, b.cancelled"
          + " from batch b join run r on r.id = b.id join log l on l.n = r.log where b.id = ?";
  private static final String LINES =
      "select "
          + Rows.LOG
          + ", "
          + Rows.RUN
          + ", i.number, i.id from line i left join log l on l.n = i.log"
          + " left join run r on r.log = l.n"
          + " where i.batch = (select n from batch where id = ?) and i.number > ?";
  private static final String WITHOUT_ANSWER =
      " and (l.status is null or l.status = 'failed' or l.status = 'cancelled')";

  private static final String GONE = "select n from batch where dropped = 1 order by n limit 1";
  private static final String SOME_LINES =
      "select number, log from line where batch = ? order by number limit " + SOME;
  private static final String SOME_HELD =
      "select n from log where owner = ? and ended_at = 0 limit " + SOME;
  private static final String FORGET_LINE = "delete from line where batch = ? and number = ?";
  private static final String FORGET = "delete from batch where n = ?";
  private static final String ORPHAN = "update batch set log = 0, dropped = 1 where log = ?";

  private record Held(long log, int lines, long bytes) {}

  private record Open(long n, String tenant, String upstream) {}

  private record Counted(long log, int left) {}

  /// How many lines ended how.
  private static final class Tally {
    private int completed;
    private int failed;
    private int cancelled;

    void add(String status, int lines) {
      switch (status) {
        case "failed" -> failed += lines;
        case "cancelled" -> cancelled += lines;
        default -> completed += lines;
      }
    }
  }

  private final Session session;
  private final Database database;
  private final Channels channels;

  // In the order in which they are locked, on all nodes.
  private final TreeMap<Long, Tally> tallies = new TreeMap<>();

  Batches(Session session, Database database, Channels channels) {
    this.session = session;
    this.database = database;
    this.channels = channels;
  }

  /// Keeps more lines of a batch that is being read.
  static Outcome add(Session session, long node, Change.Lines it) throws SQLException {
    StoredLog of = it.lines().getFirst().run().log();
    Long batch = session.first(READING, row -> row.getLong(1), it.batch(), node);
    if (batch == null) {
      session.update(BEGIN, it.batch(), node, of.tenant(), of.upstream());
      batch = session.first(READING, row -> row.getLong(1), it.batch(), node);
    }
    if (batch == null) {
      return new Outcome.Fenced();
    }
    for (Change.Line line : it.lines()) {
      StoredRun run = line.run();
      StoredLog log = run.log();
      session.batch(
          LOG,
          log.id(),
          log.tenant(),
          log.upstream(),
          log.priority(),
          log.createdAt(),
          log.notBefore(),
          -batch);
      session.batch(REQUEST, log.request(), log.id());
      session.batch(RUN, run.id(), run.tenant(), run.about(), run.createdAt(), batch, log.id());
      session.batch(LINE, batch, line.number(), line.id(), log.id());
    }
    session.runBatch(LOG);
    session.runBatch(REQUEST);
    session.runBatch(RUN);
    int[] written = session.runBatch(LINE);
    Outcome outcome = new Outcome.Stored();
    boolean any = false;
    for (int i = 0; i < written.length; i++) {
      Change.Line line = it.lines().get(i);
      if (written[i] > 0) {
        session.batch(ONE_MORE, line.run().id());
        any = true;
      } else {
        Integer before = session.first(NUMBER, row -> row.getInt(1), batch, line.id());
        if (before != null && before != line.number() && outcome instanceof Outcome.Stored) {
          outcome = new Outcome.Repeated(line.number(), before);
        }
      }
    }
    if (any) {
      session.runBatch(ONE_MORE);
    }
    return outcome;
  }

  /// All lines are there.
  Outcome submit(long node, Change.Submitted it) throws SQLException {
    StoredRun run = it.run();
    Long batch = session.first(READING, row -> row.getLong(1), run.id(), node);
    if (batch == null) {
      return session.exists(SUBMITTED, run.id()) ? new Outcome.Stored() : new Outcome.Fenced();
    }
    Long lines = session.first(HOW_MANY, row -> row.getLong(1), batch);
    if (lines == null || lines != it.lines()) {
      return new Outcome.Fenced();
    }
    var accept =
        new Change.Accept(run, run.log(), null, it.told(), it.label(), Notice.BATCH, false);
    new Accepts(session, database, NOBODY, channels).write(accept);
    session.update(SUBMIT, it.lines(), run.log().id(), batch);
    return new Outcome.Stored();
  }

  static Outcome drop(Session session, String batch) throws SQLException {
    session.update(DROP, batch);
    return session.exists(SUBMITTED, batch) ? new Outcome.Fenced() : new Outcome.Stored();
  }

  /// Whether there may be lines to take, or to end.
  static boolean anyOpen(Session session) throws SQLException {
    return session.exists(ANY_OPEN);
  }

  /// A log has ended, which may be that of lines.
  void ended(String log, String status) throws SQLException {
    long[] lines = session.first(OF_LOG, row -> new long[] {row.getLong(1), row.getLong(2)}, log);
    if (lines != null) {
      tally(lines[0], status, (int) lines[1]);
    }
  }

  private void tally(long batch, String status, int lines) {
    tallies.computeIfAbsent(batch, _ -> new Tally()).add(status, lines);
  }

  /// Counts what has ended, and ends the batches of which that was all.
  ///
  /// @return whether somebody is to be told
  boolean count(long at) throws SQLException {
    boolean due = false;
    for (Map.Entry<Long, Tally> each : tallies.entrySet()) {
      Tally tally = each.getValue();
      Counted counted =
          session.first(
              COUNT,
              row -> new Counted(row.getLong(1), row.getInt(2)),
              tally.completed,
              tally.failed,
              tally.cancelled,
              each.getKey());
      if (counted != null && counted.left == 0 && counted.log > 0) {
        due |= end(counted.log, at);
      }
    }
    tallies.clear();
    return due;
  }

  private boolean end(long log, long at) throws SQLException {
    record Ended(String log, String status) {}
    Ended ended =
        session.first(
            ITS_LOG,
            row -> new Ended(row.getString(1), row.getInt(2) == 0 ? "completed" : "cancelled"),
            log);
    if (ended == null) {
      return false;
    }
    session.update(end(database), ended.status, at, log);
    channels.touched(ended.log);
    return Notices.any(session) && Notices.ended(session, ended.log, ended.status, at);
  }

  private static String end(Database database) {
    return "update log as l set status = ?, ended_at = ?, bytes = "
        + database.size()
        + " where n = ? and ended_at = 0";
  }

  /// A run is to be stopped: of a batch those lines that somebody has taken are too.
  ///
  /// @return null if it is no batch
  static @Nullable List<String> taken(Session session, Database database, String run)
      throws SQLException {
    Long batch = session.first(SUBMITTED + database.locked(), row -> row.getLong(1), run);
    return batch == null ? null : session.query(TAKEN_LINES, row -> row.getString(1), batch);
  }

  /// Takes lines, and ends those of batches that are to be stopped.
  Taken take(Group group, Map<String, Integer> rooms, long now) throws SQLException {
    int ended = stop(group, now);
    List<Open> open = open(0, ANY_HELD);
    var lines = new ArrayList<Claimed>();
    for (Map.Entry<String, Integer> each : rooms.entrySet()) {
      // The oldest of each tenant.
      Set<String> tenants = new HashSet<>();
      List<Open> first =
          open.stream()
              .filter(it -> it.upstream.equals(each.getKey()) && tenants.add(it.tenant))
              .toList();
      for (Open batch : first) {
        lines.addAll(take(group, batch.n, Math.max(1, each.getValue() / first.size())));
      }
    }
    var more = new LinkedHashSet<String>();
    open(0, ANY_HELD).forEach(it -> more.add(it.upstream));
    return new Taken(lines, more, ended);
  }

  /// Locks them, so that two nodes do not take the same lines, and none is taken of one that is
  /// being stopped.
  private List<Open> open(int stopping, String that) throws SQLException {
    return session.query(
        "select b.n, b.tenant, b.upstream from batch b join run r on r.id = b.id where "
            + IS_OPEN
            + " and r.cancel_requested = ? and "
            + that
            + " order by b.n"
            + database.taken(),
        row -> new Open(row.getLong(1), row.getString(2), row.getString(3)),
        stopping);
  }

  private List<Claimed> take(Group group, long batch, int most) throws SQLException {
    var logs = new ArrayList<Long>();
    long bytes = 0;
    for (Held held : held(batch, most)) {
      if (!logs.isEmpty() && bytes + held.bytes > MOST_BYTES) {
        break;
      }
      bytes += held.bytes;
      logs.add(held.log);
    }
    return Claim.take(session, group, logs);
  }

  private List<Held> held(long batch, int most) throws SQLException {
    return session.query(
        HELD, row -> new Held(row.getLong(1), row.getInt(2), row.getLong(3)), -batch, most);
  }

  private int stop(Group group, long now) throws SQLException {
    int ended = 0;
    for (Open batch : open(1, ANY_HELD)) {
      List<Held> held = held(batch.n, SOME);
      for (Held each : held) {
        session.batch(end(database), "cancelled", now, each.log);
        tally(batch.n, "cancelled", each.lines);
      }
      session.runBatch(end(database));
      ended += held.size();
    }
    if (ended > 0 && count(now)) {
      group.tellDue();
    }
    return ended;
  }

  static @Nullable StoredBatch find(Session session, String run) throws SQLException {
    int before = Rows.LOG_COLUMNS + Rows.RUN_COLUMNS;
    return session.first(
        FIND,
        row ->
            new StoredBatch(
                Rows.runAfterLog(row),
                row.getInt(before + 1),
                row.getInt(before + 2),
                row.getInt(before + 3),
                row.getInt(before + 4)),
        run);
  }

  static List<StoredLine> lines(Session session, String batch, int after, int most, boolean failed)
      throws SQLException {
    int before = Rows.LOG_COLUMNS + Rows.RUN_COLUMNS;
    List<StoredLine> page =
        session.query(
            LINES + (failed ? WITHOUT_ANSWER : "") + " order by i.number limit ?",
            row ->
                new StoredLine(
                    row.getInt(before + 1),
                    row.getString(before + 2),
                    row.getString(Rows.LOG_COLUMNS + 1) == null ? null : Rows.runAfterLog(row),
                    List.of()),
            batch,
            after,
            most);
    var lines = new ArrayList<StoredLine>();
    long bytes = 0;
    for (StoredLine line : page) {
      StoredRun run = line.run();
      List<Piece> pieces = run == null ? List.of() : Questions.pieces(session, run.log().id(), 0);
      for (Piece piece : pieces) {
        bytes += piece.bytes().length;
      }
      lines.add(new StoredLine(line.number(), line.id(), run, pieces));
      if (bytes > MOST_BYTES) {
        break;
      }
    }
    return lines;
  }

  /// These logs are about to be deleted: if one is a batch's, its lines are deleted soon.
  static void orphan(Session session, List<Long> logs) throws SQLException {
    for (Long log : logs) {
      session.batch(ORPHAN, log);
    }
    session.runBatch(ORPHAN);
  }

  /// Gives up batches that nobody will read to their end.
  static void abandon(Session session, Database database) throws SQLException {
    session.update(
        "update batch set dropped = 1 where log = 0 and dropped = 0"
            + " and reader not in (select n from node where not "
            + Lease.gone(database)
            + ")");
  }

  /// Deletes some lines of a batch that is gone.
  ///
  /// @return whether there may be more
  static boolean sweep(Session session, Database database) throws SQLException {
    Long batch = session.first(GONE + database.taken(), row -> row.getLong(1));
    if (batch == null) {
      return false;
    }
    List<long[]> lines =
        session.query(SOME_LINES, row -> new long[] {row.getLong(1), row.getLong(2)}, batch);
    var logs = new LinkedHashSet<Long>();
    for (long[] line : lines) {
      logs.add(line[1]);
      session.batch(FORGET_LINE, batch, (int) line[0]);
    }
    if (lines.isEmpty()) {
      // Those of lines that were not taken.
      logs.addAll(session.query(SOME_HELD, row -> row.getLong(1), -batch));
    } else {
      session.runBatch(FORGET_LINE);
    }
    if (logs.isEmpty()) {
      session.update(FORGET, batch);
      database.erasing(session);
    } else {
      Expiry.delete(session, List.copyOf(logs));
    }
    return true;
  }
}
