package dev.meanwhile.store.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One connection and the statements prepared on it. For one thread.
final class Session implements AutoCloseable {
  /// Reads one row.
  interface Row<T> {
    T read(ResultSet row) throws SQLException;
  }

  private static final int MOST_STATEMENTS = 200;

  private final Connection connection;
  private final Map<String, PreparedStatement> statements = new HashMap<>();

  Session(Connection connection) {
    this.connection = connection;
  }

  Connection connection() {
    return connection;
  }

  /// Changes rows.
  ///
  /// @return how many
  int update(String sql, @Nullable Object... arguments) throws SQLException {
    PreparedStatement statement = statement(sql);
    set(statement, arguments);
    return statement.executeUpdate();
  }

  /// Adds to the batch of this statement.
  void batch(String sql, @Nullable Object... arguments) throws SQLException {
    PreparedStatement statement = statement(sql);
    set(statement, arguments);
    statement.addBatch();
  }

  /// Runs the batch of this statement.
  ///
  /// @return how many rows each changed
  int[] runBatch(String sql) throws SQLException {
    return statement(sql).executeBatch();
  }

  <T> List<T> query(String sql, Row<T> row, @Nullable Object... arguments) throws SQLException {
    PreparedStatement statement = statement(sql);
    set(statement, arguments);
    var found = new ArrayList<T>();
    try (ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        found.add(row.read(rows));
      }
    }
    return found;
  }

  /// The first row, or null.
  <T> @Nullable T first(String sql, Row<T> row, @Nullable Object... arguments) throws SQLException {
    List<T> found = query(sql, row, arguments);
    return found.isEmpty() ? null : found.getFirst();
  }

  boolean exists(String sql, @Nullable Object... arguments) throws SQLException {
    return !query(sql, _ -> true, arguments).isEmpty();
  }

  private PreparedStatement statement(String sql) throws SQLException {
    PreparedStatement statement = statements.get(sql);
    if (statement == null) {
      if (statements.size() >= MOST_STATEMENTS) {
        for (PreparedStatement old : statements.values()) {
          old.close();
        }
        statements.clear();
      }
      statement = connection.prepareStatement(sql);
      statements.put(sql, statement);
    }
    return statement;
  }

  /// Every argument that may be null is bytes.
  private static void set(PreparedStatement statement, @Nullable Object... arguments)
      throws SQLException {
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case null -> statement.setNull(i + 1, Types.BINARY);
        case Integer number -> statement.setInt(i + 1, number);
        case Long number -> statement.setLong(i + 1, number);
        case String text -> statement.setString(i + 1, text);
        case byte[] bytes -> statement.setBytes(i + 1, bytes);
        case String[] array -> statement.setObject(i + 1, array);
        case long[] array -> statement.setObject(i + 1, array);
        case byte[][] array -> statement.setObject(i + 1, array);
        case Object other -> throw new IllegalArgumentException("no SQL type for " + other);
      }
    }
  }

  /// Ends the transaction, of which nothing is wanted.
  void endQuietly() {
    try {
      connection.rollback();
    } catch (SQLException e) {
      System.getLogger(Session.class.getName())
          .log(System.Logger.Level.DEBUG, "a transaction did not roll back", e);
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      // It is of no use any more, closed or not.
      System.getLogger(Session.class.getName())
          .log(System.Logger.Level.DEBUG, "a connection did not close", e);
    }
  }
}
