package dev.meanwhile.store.jdbc;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Deletes ended logs with all that belongs to them, a few at a time.
final class Expiry {
  private static final int MOST = 100;

  private static final String OLDEST =
      "select n, ended_at from log where lasting = ? and ended_at > 0 and ended_at < ?"
          + " order by ended_at limit ?";
  private static final List<String> DELETE =
      List.of(
          "delete from cancelling where log = ?",
          "delete from run where log = ?",
          "delete from piece where n >= ? * 1048576 and n < (? + 1) * 1048576",
          "delete from request where log = ?",
          "delete from log where n = ?");

  private record Old(long log, long endedAt) {}

  private Expiry() {}

  /// Deletes some of the logs that ended before `before`, or before `lasting` if they last longer
  /// than others, the oldest first.
  ///
  /// @return how many; 0 if there are none
  static int some(Session session, Database database, long before, long lasting)
      throws SQLException {
    var old = new ArrayList<>(oldest(session, database, 0, before));
    old.addAll(oldest(session, database, 1, lasting));
    old.sort(Comparator.comparingLong(Old::endedAt));
    List<Long> logs = old.stream().limit(MOST).map(Old::log).toList();
    if (!logs.isEmpty()) {
      delete(session, logs);
    }
    return logs.size();
  }

  private static List<Old> oldest(Session session, Database database, int lasting, long before)
      throws SQLException {
    return session.query(
        OLDEST + database.taken(),
        row -> new Old(row.getLong(1), row.getLong(2)),
        lasting,
        before,
        MOST);
  }

  static void delete(Session session, List<Long> logs) throws SQLException {
    Channels.forget(session, logs);
    Batches.orphan(session, logs);
    for (String sql : DELETE) {
      boolean range = sql.contains("? + 1");
      for (Long log : logs) {
        if (range) {
          session.batch(sql, log, log);
        } else {
          session.batch(sql, log);
        }
      }
      session.runBatch(sql);
    }
  }
}
