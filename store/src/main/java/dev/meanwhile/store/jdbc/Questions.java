package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store.Query;
import dev.meanwhile.store.StoredRun;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What can be asked.
final class Questions {
  private static final String FOUND =
      "select "
          + Rows.LOG
          + ", q.body, "
          + Rows.RUN
          + " from run r join log l on l.n = r.log join request q on q.log = l.n";
  private static final String FIND = FOUND + " where r.id = ?";
  private static final String FIND_NAMED =
      FOUND + " where l.name = ? and l.name <> '' order by r.id limit 1";
  private static final String PIECES =
      "select p.n - l.n * 1048576, p.upto, p.bytes from log l join piece p"
          + " on p.n >= l.n * 1048576 + ? and p.n < (l.n + 1) * 1048576"
          + " where l.id = ? order by p.n";
  private static final String LIST =
      "select " + Rows.LOG + ", " + Rows.RUN + " from run r join log l on l.n = r.log where true";

  /// How far the clocks of nodes may differ: ids sort by time, within this.
  private static final long SKEW_MILLIS = 60_000;

  private Questions() {}

  static @Nullable StoredRun find(Session session, String run) throws SQLException {
    return session.first(run.startsWith("run_") ? FIND : FIND_NAMED, Rows::runAfterRequest, run);
  }

  static IdempotencyEntry.@Nullable Held findKey(Session session, byte[] key) throws SQLException {
    return Accepts.holder(session, key);
  }

  static List<Piece> pieces(Session session, String log, int from) throws SQLException {
    return session.query(
        PIECES, row -> new Piece(row.getInt(1), row.getInt(2), row.getBytes(3)), from, log);
  }

  /// `since` is not given to the database, which would look through all older runs for more: it
  /// stops at the first that is too old.
  static List<StoredRun> list(Session session, Query query) throws SQLException {
    long since = query.since() == null ? Long.MIN_VALUE : query.since();
    String before = query.before();
    var found = new ArrayList<StoredRun>();
    while (true) {
      List<StoredRun> page = page(session, query, before);
      for (StoredRun run : page) {
        if (run.createdAt() >= since) {
          found.add(run);
          if (found.size() == query.most()) {
            return found;
          }
        } else if (run.createdAt() < since - SKEW_MILLIS) {
          return found;
        }
      }
      if (page.size() < query.most()) {
        return found;
      }
      before = page.getLast().id();
    }
  }

  private static List<StoredRun> page(Session session, Query query, @Nullable String before)
      throws SQLException {
    var sql = new StringBuilder(LIST);
    var arguments = new ArrayList<Object>();
    if (query.tenant() != null) {
      sql.append(" and r.tenant = ?");
      arguments.add(query.tenant());
    }
    if (before != null) {
      sql.append(" and r.id < ?");
      arguments.add(before);
    }
    switch (query.status()) {
      case null -> {}
      case "queued", "in_progress" -> {
        // The unfinished are few: begin with them.
        sql.append(" and r.cut_at = 0 and l.status = ? and r.log in")
            .append(" (select n from log where ended_at = 0)");
        arguments.add(query.status());
      }
      case "cancelled" -> sql.append(" and (r.cut_at > 0 or l.status = 'cancelled')");
      case String status -> {
        sql.append(" and r.cut_at = 0 and l.status = ?");
        arguments.add(status);
      }
    }
    sql.append(" order by r.id desc limit ?");
    arguments.add(query.most());
    return session.query(sql.toString(), Rows::runAfterLog, arguments.toArray());
  }
}
