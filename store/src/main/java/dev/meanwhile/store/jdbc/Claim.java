package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store.Claimed;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Takes over unfinished logs whose owner is fenced, or whose lease has run out.
final class Claim {
  private record Logged(long n, StoredLog log) {}

  private static final int CHUNK = 100;
  private static final int MOST_OWNERS = 500;

  private static final String TAKE =
      "update log set owner = ?,"
          + " lost = lost + case when status = 'in_progress' then 1 else 0 end, status = 'queued'"
          + " where n = ?";

  private Claim() {}

  /// Whether there is anything to claim.
  static boolean possible(Session session, Database database) throws SQLException {
    return !owners(session, database).isEmpty();
  }

  /// The epochs that may not write any more and own unfinished logs. Asked for first, so that their
  /// logs are found by their owner, and those of others are not looked at.
  private static List<Long> owners(Session session, Database database) throws SQLException {
    return session.query(
        "select n from node where "
            + Lease.gone(database)
            // With a limit, so that it is looked up for each of them and not joined with all logs.
            + " and (select log.n from log where log.owner = node.n and log.ended_at = 0 limit 1)"
            + " is not null"
            + " order by n limit "
            + MOST_OWNERS,
        row -> row.getLong(1));
  }

  private static String in(List<Long> numbers) {
    return " in (" + "?, ".repeat(numbers.size() - 1) + "?)";
  }

  /// Takes some.
  static List<Claimed> take(Session session, Database database, Group group, int most)
      throws SQLException {
    List<Long> owners = owners(session, database);
    if (owners.isEmpty()) {
      return List.of();
    }
    var arguments = new ArrayList<Object>(owners);
    arguments.add(most);
    List<Long> taken =
        session.query(
            "select n from log where ended_at = 0 and owner"
                + in(owners)
                + " order by priority, created_at, n limit ?"
                + database.taken(),
            row -> row.getLong(1),
            arguments.toArray());
    return take(session, group, taken);
  }

  /// Takes these, in this order.
  static List<Claimed> take(Session session, Group group, List<Long> logs) throws SQLException {
    var claimed = new ArrayList<Claimed>();
    for (int from = 0; from < logs.size(); from += CHUNK) {
      List<Long> chunk = logs.subList(from, Math.min(from + CHUNK, logs.size()));
      claimed.addAll(chunk(session, group.node(), chunk));
    }
    claimed.forEach(each -> group.claimed(each.log().id()));
    return claimed;
  }

  private static List<Claimed> chunk(Session session, long node, List<Long> logs)
      throws SQLException {
    for (Long log : logs) {
      session.batch(TAKE, node, log);
    }
    session.runBatch(TAKE);
    Object[] numbers = logs.toArray();
    String in = in(logs);
    Map<Long, StoredLog> byNumber = new HashMap<>();
    for (Logged it :
        session.query(
            "select "
                + Rows.LOG
                + ", q.body, l.n from log l join request q on q.log = l.n where l.n"
                + in,
            row -> new Logged(row.getLong(Rows.LOG_COLUMNS + 2), Rows.logAndRequest(row)),
            numbers)) {
      byNumber.put(it.n, it.log);
    }
    Map<Long, List<StoredRun>> runs = new HashMap<>();
    session.query(
        "select r.log, "
            + Rows.RUN
            + " from run r where r.cut_at = 0 and r.log"
            + in
            + " order by r.id",
        row -> {
          long n = row.getLong(1);
          StoredLog log = byNumber.get(n);
          return log != null
              && runs.computeIfAbsent(n, _ -> new ArrayList<>()).add(Rows.run(row, 1, log));
        },
        numbers);
    var claimed = new ArrayList<Claimed>();
    for (Long n : logs) {
      StoredLog log = byNumber.get(n);
      if (log == null) {
        throw new SQLException("log number " + n + " has no request: the database is damaged");
      }
      claimed.add(new Claimed(log, runs.getOrDefault(n, List.of())));
    }
    return claimed;
  }
}
