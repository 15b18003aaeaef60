package dev.meanwhile.crash;

import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Where a server keeps what it promised, and a look into it from outside.
interface Storage extends AutoCloseable {
  /// What must be 0, in a database at rest.
  Map<String, String> NONE =
      new LinkedHashMap<>(
          Map.of(
              "logs that have not ended",
              "select count(*) from log where ended_at = 0",
              "logs that ended without a terminal event",
              "select count(*) from log where ended_at > 0 and terminal is null",
              "pieces of an older attempt after those of a newer one",
              "select count(*) from piece a join piece b on b.n > a.n and b.n < (a.n / 1048576 + 1) * 1048576 where b.attempt < a.attempt",
              "pieces of an attempt that the log never had",
              "select count(*) from piece p join log l on l.n = p.n / 1048576 where p.attempt > l.attempt",
              "pieces whose predecessor is missing",
              "select count(*) from piece a where a.n % 1048576 > 0 and not exists (select 1 from piece b where b.n = a.n - 1 and b.upto < a.upto)",
              "pieces without a log",
              "select count(*) from piece p where not exists (select 1 from log l where l.n = p.n / 1048576)",
              "requests without a log",
              "select count(*) from request q where not exists (select 1 from log l where l.n = q.log)",
              "runs without a log",
              "select count(*) from run r where not exists (select 1 from log l where l.n = r.log)",
              "logs without a run",
              "select count(*) from log l where not exists (select 1 from run r where l.n = r.log)"));

  /// The name of the kind.
  String title();

  /// What `serve` is told of it.
  List<String> arguments();

  /// A connection, while no server runs on an SQLite file.
  Connection connect() throws SQLException;

  /// Looks for what must not be in it.
  default List<String> violations() throws SQLException {
    var found = new ArrayList<String>();
    try (Connection connection = connect()) {
      for (Map.Entry<String, String> none : NONE.entrySet()) {
        long count = number(connection, none.getValue());
        if (count > 0) {
          found.add("in the database: %d %s".formatted(count, none.getKey()));
        }
      }
    }
    return found;
  }

  static long number(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? rows.getLong(1) : 0;
    }
  }

  @Override
  void close() throws IOException;
}
