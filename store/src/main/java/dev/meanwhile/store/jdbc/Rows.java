package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import java.sql.ResultSet;
import java.sql.SQLException;

/// How rows become records.
final class Rows {
  private static final byte[] NOTHING = new byte[0];

  /// The columns of a log `l`, apart from its request.
  static final String LOG =
      "l.id, l.tenant, l.upstream, l.priority, l.created_at, l.not_before, l.attempt, l.lost,"
          + " l.status, l.ended_at,"
          + " (select p.upto from piece p where p.n >= l.n * 1048576"
          + " and p.n < (l.n + 1) * 1048576"
          + " order by p.n desc limit 1),"
          + " l.head, l.terminal";

  /// The columns of a run `r`.
  static final String RUN =
      "r.id, r.tenant, r.about, r.created_at, r.cut_at, r.cut_end, r.cancel_requested";

  static final int LOG_COLUMNS = 13;
  static final int RUN_COLUMNS = 7;

  private Rows() {}

  /// The log in the first columns, [#LOG], without its request.
  static StoredLog log(ResultSet row) throws SQLException {
    return log(row, NOTHING);
  }

  /// The log in the first columns, [#LOG], and in the one after them its request.
  static StoredLog logAndRequest(ResultSet row) throws SQLException {
    return log(row, row.getBytes(LOG_COLUMNS + 1));
  }

  private static StoredLog log(ResultSet row, byte[] request) throws SQLException {
    return new StoredLog(
        row.getString(1),
        row.getString(2),
        row.getString(3),
        row.getInt(4),
        row.getLong(5),
        row.getLong(6),
        row.getInt(7),
        row.getInt(8),
        row.getString(9),
        row.getLong(10),
        row.getInt(11),
        request,
        row.getBytes(12),
        row.getBytes(13));
  }

  /// The run in the columns of [#RUN] that follow `before` others.
  static StoredRun run(ResultSet row, int before, StoredLog log) throws SQLException {
    return new StoredRun(
        row.getString(before + 1),
        log,
        row.getString(before + 2),
        row.getBytes(before + 3),
        row.getLong(before + 4),
        row.getLong(before + 5),
        row.getInt(before + 6),
        row.getInt(before + 7) != 0);
  }

  /// The run in the columns of [#RUN], which follow a log's and its request.
  static StoredRun runAfterRequest(ResultSet row) throws SQLException {
    return run(row, LOG_COLUMNS + 1, logAndRequest(row));
  }

  /// The run in the columns of [#RUN], which follow a log's.
  static StoredRun runAfterLog(ResultSet row) throws SQLException {
    return run(row, LOG_COLUMNS, log(row));
  }
}
