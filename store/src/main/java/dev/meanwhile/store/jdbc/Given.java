package dev.meanwhile.store.jdbc;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Rows to insert in one go: where the database takes arrays, by one statement, since one of its
/// own for each row costs PostgreSQL three times as much; else as a batch.
final class Given {
  /// A column of what is given, whose type is `text`, `bigint` or `bytea`.
  record Column(String name, String type) {}

  static Column text(String name) {
    return new Column(name, "text");
  }

  static Column number(String name) {
    return new Column(name, "bigint");
  }

  static Column bytes(String name) {
    return new Column(name, "bytea");
  }

  /// How the rows, called `g`, are inserted; those in the way of another are left out.
  ///
  /// @param atOnce for arrays: returns the keys of the rows that were written
  /// @param single for one row
  /// @param columns the first of them tells the rows apart
  record Insert(String atOnce, String single, List<Column> columns) {
    /// @param into a table and its columns
    /// @param key that of the columns that has what tells the rows apart
    /// @param select what is written
    /// @param where what `g` is joined with, and under which condition
    static Insert of(String into, String key, String select, String where, Column... columns) {
      String begin = "insert into " + into + " select " + select + " from ";
      return new Insert(
          begin
              + "unnest("
              + join(columns, each -> "?::" + each.type + "[]")
              + ") with ordinality as g("
              + join(columns, Column::name)
              + ", place)"
              + where
              + " order by g.place on conflict do nothing returning "
              + key,
          begin
              + "(select "
              + join(columns, each -> "? as " + each.name)
              + ") as g"
              + where
              + " on conflict do nothing",
          List.of(columns));
    }

    private static String join(Column[] columns, Function<Column, String> as) {
      return Arrays.stream(columns).map(as).collect(Collectors.joining(", "));
    }
  }

  private final Insert insert;
  private final List<@Nullable Object[]> rows = new ArrayList<>();

  Given(Insert insert) {
    this.insert = insert;
  }

  /// @param row a value for each column
  void add(@Nullable Object... row) {
    rows.add(row);
  }

  /// Inserts them.
  ///
  /// @return which were written, by their first column
  Set<String> insert(Session session, Database database) throws SQLException {
    Set<String> written = new HashSet<>();
    if (rows.isEmpty()) {
      return written;
    }
    if (database.takesArrays()) {
      written.addAll(session.query(insert.atOnce, row -> row.getString(1), arrays()));
      return written;
    }
    for (@Nullable Object[] row : rows) {
      session.batch(insert.single, row);
    }
    int[] changed = session.runBatch(insert.single);
    for (int i = 0; i < changed.length; i++) {
      if (changed[i] > 0) {
        written.add((String) rows.get(i)[0]);
      }
    }
    return written;
  }

  /// The rows, column by column.
  private Object[] arrays() {
    var arrays = new Object[insert.columns.size()];
    for (int column = 0; column < arrays.length; column++) {
      int at = column;
      Stream<@Nullable Object> values = rows.stream().map(row -> row[at]);
      arrays[column] =
          switch (insert.columns.get(column).type) {
            case "text" -> values.toArray(String[]::new);
            case "bigint" -> values.mapToLong(it -> ((Number) it).longValue()).toArray();
            default -> values.toArray(byte[][]::new);
          };
    }
    return arrays;
  }
}
