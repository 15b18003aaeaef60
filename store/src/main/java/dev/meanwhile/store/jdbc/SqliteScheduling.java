package dev.meanwhile.store.jdbc;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.jdbc4.JDBC4Connection;

/// db-scheduler's connections: each holds the writer's turn until it is closed.
final class SqliteScheduling implements DataSource {
  private final Sqlite database;

  SqliteScheduling(Sqlite database) {
    this.database = database;
  }

  @Override
  public Connection getConnection() throws SQLException {
    database.awaitTurn();
    try {
      SQLiteConfig config = Sqlite.config();
      config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
      var connection = new Turn(database, config.toProperties());
      Sqlite.execute(connection, "pragma wal_autocheckpoint = 0");
      return connection;
    } catch (SQLException | RuntimeException e) {
      database.endTurn();
      throw e;
    }
  }

  private static final class Turn extends JDBC4Connection {
    private final Sqlite database;
    private final AtomicBoolean over = new AtomicBoolean();

    Turn(Sqlite database, Properties properties) throws SQLException {
      super(database.url(), database.file().toString(), properties);
      this.database = database;
    }

    @Override
    public void close() throws SQLException {
      try {
        super.close();
      } finally {
        if (!over.getAndSet(true)) {
          database.endTurn();
        }
      }
    }
  }

  @Override
  public Connection getConnection(@Nullable String user, @Nullable String password)
      throws SQLException {
    return getConnection();
  }

  @Override
  public @Nullable PrintWriter getLogWriter() {
    return null;
  }

  @Override
  public void setLogWriter(@Nullable PrintWriter out) {}

  @Override
  public void setLoginTimeout(int seconds) {}

  @Override
  public int getLoginTimeout() {
    return 0;
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    throw new SQLFeatureNotSupportedException();
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    throw new SQLException("wraps no " + type);
  }

  @Override
  public boolean isWrapperFor(Class<?> type) {
    return false;
  }
}
