package dev.meanwhile.store.jdbc;

import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A statement that is given many rows at once, as an array for each column.
final class Arrays {
  private final String sql;
  private final List<String> types;

  /// @param columns the columns of what is given, `g`, each with its type: `text`, `bigint` or
  ///   `bytea`; `place` is one more, which numbers the rows
  /// @param statement what follows `with g as (…)`; it returns one text a row
  Arrays(String columns, String statement) {
    List<String> names = parts(columns, 0);
    types = parts(columns, 1);
    String arrays =
        types.stream().map(type -> "?::" + type + "[]").collect(Collectors.joining(", "));
    sql =
        "with g as (select * from unnest("
            + arrays
            + ") with ordinality as g("
            + String.join(", ", names)
            + ", place))"
            + statement;
  }

  private static List<String> parts(String columns, int part) {
    return Stream.of(columns.split(", ", -1)).map(each -> each.split(" ", 2)[part]).toList();
  }

  /// @param rows a value for each column
  /// @param more arguments of the statement
  /// @return what it returns
  List<String> run(Session session, List<@Nullable Object[]> rows, Object... more)
      throws SQLException {
    var arguments = new Object[types.size() + more.length];
    System.arraycopy(more, 0, arguments, types.size(), more.length);
    for (int column = 0; column < types.size(); column++) {
      int at = column;
      Stream<@Nullable Object> values = rows.stream().map(row -> row[at]);
      arguments[column] =
          switch (types.get(column)) {
            case "text" -> values.toArray(String[]::new);
            case "bigint" -> values.mapToLong(it -> ((Number) it).longValue()).toArray();
            default -> values.toArray(byte[][]::new);
          };
    }
    return session.query(sql, row -> row.getString(1), arguments);
  }
}
