package dev.meanwhile.store.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.meanwhile.store.StoreException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/// A PostgreSQL database, which other nodes may use too.
final class Postgres implements Database {
  private static final int CONNECT_SECONDS = 5;
  private static final int ANSWER_SECONDS = 30;

  /// The lease is renewed over a connection that gives up early, so that there is time for another.
  private static final int WATCH_SECONDS = 2;

  private static final int OLDEST_VERSION = 15;

  private final StoreSettings.InPostgres settings;
  private @Nullable HikariDataSource pool;

  Postgres(StoreSettings.InPostgres settings) {
    this.settings = settings;
  }

  private Properties properties(int answerSeconds) {
    var properties = new Properties();
    if (settings.user() != null) {
      properties.setProperty("user", settings.user());
    }
    if (settings.password() != null) {
      properties.setProperty("password", settings.password());
    }
    properties.setProperty("connectTimeout", String.valueOf(CONNECT_SECONDS));
    properties.setProperty("socketTimeout", String.valueOf(answerSeconds));
    properties.setProperty("tcpKeepAlive", "true");
    properties.setProperty("ApplicationName", "meanwhile " + settings.node());
    // A node that was stopped in the middle of a transaction must not keep others from its rows.
    // And all is found by an index: a plan made while a table was empty would read all of it, for
    // each row that is written, until PostgreSQL looks at the table again.
    properties.setProperty(
        "options",
        "-c synchronous_commit=on -c idle_in_transaction_session_timeout=5s"
            + " -c enable_seqscan=off");
    return properties;
  }

  private Connection connect(int answerSeconds) throws SQLException {
    return DriverManager.getConnection(settings.url(), properties(answerSeconds));
  }

  @Override
  public Connection writing() throws SQLException {
    Connection connection = connect(ANSWER_SECONDS);
    connection.setAutoCommit(false);
    return connection;
  }

  @Override
  public Connection reading() throws SQLException {
    Connection connection = connect(ANSWER_SECONDS);
    connection.setReadOnly(true);
    return connection;
  }

  /// A connection for the lease.
  Connection watching() throws SQLException {
    Connection connection = connect(WATCH_SECONDS);
    connection.setAutoCommit(false);
    return connection;
  }

  @Override
  public synchronized DataSource scheduling() {
    if (pool == null) {
      var config = new HikariConfig();
      config.setJdbcUrl(settings.url());
      config.setDataSourceProperties(properties(ANSWER_SECONDS));
      config.setPoolName("meanwhile");
      config.setMaximumPoolSize(4);
      config.setMinimumIdle(0);
      config.setConnectionTimeout(CONNECT_SECONDS * 1000);
      config.setInitializationFailTimeout(-1);
      pool = new HikariDataSource(config);
    }
    return pool;
  }

  @Override
  public DataSource migrating() {
    return scheduling();
  }

  @Override
  public void check(Connection connection) throws SQLException {
    int version = connection.getMetaData().getDatabaseMajorVersion();
    if (version < OLDEST_VERSION) {
      throw new StoreException(
          "The database is PostgreSQL "
              + version
              + "; it must be "
              + OLDEST_VERSION
              + " or later.");
    }
  }

  @Override
  public void durability(Connection connection, boolean promise) throws SQLException {
    if (!promise) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("set local synchronous_commit = off");
      }
    }
  }

  @Override
  public void awaitTurn() {}

  @Override
  public void endTurn() {}

  @Override
  public void committed() {}

  @Override
  public void recover(Connection connection) {}

  @Override
  public void opened(Session session) {}

  @Override
  public void erasing(Session session) {}

  /// PostgreSQL frees the rows at its next vacuum.
  @Override
  public void erased(Runnable done) {
    done.run();
  }

  @Override
  public Fault fault(SQLException failure) {
    String state = failure.getSQLState() == null ? "" : failure.getSQLState();
    String says = " (PostgreSQL says: " + failure.getMessage() + ")";
    if (state.startsWith("40")) {
      return new Fault(Fault.Kind.AGAIN, "Transactions were in each other's way." + says);
    }
    if (state.startsWith("22") || state.startsWith("23") || state.startsWith("54")) {
      return new Fault(Fault.Kind.CHANGE, "The database does not take this." + says);
    }
    return new Fault(Fault.Kind.TROUBLE, trouble(state) + says);
  }

  private String trouble(String state) {
    if (state.equals("53100")) {
      return "The disk of the database is full. Free some space there.";
    }
    if (state.equals("53300")) {
      return "The database has no connection left. Raise its max_connections, or run fewer nodes.";
    }
    if (state.equals("25006")) {
      return "The database is read-only, perhaps a standby. Point --store at the primary.";
    }
    if (state.startsWith("28")) {
      return "The database does not let us in. Look at the user and the password of the store.";
    }
    if (state.startsWith("3D")) {
      return "There is no such database. Create it, or correct the address of the store.";
    }
    if (state.startsWith("42")) {
      return "The database does not have the tables, or the user not the right to use them.";
    }
    return "The database does not answer. Look whether it runs and can be reached.";
  }

  @Override
  public boolean shared() {
    return true;
  }

  @Override
  public long used(Session session) throws SQLException {
    Long bytes =
        session.first(
            "select (select coalesce(sum(bytes), 0) from log where ended_at > 0)"
                + " + (select coalesce(sum(bytes) + 300 * count(*), 0) from kept)",
            row -> row.getLong(1));
    return bytes == null ? 0 : bytes;
  }

  @Override
  public boolean giveBack(Session session) {
    return false; // that is its autovacuum's
  }

  @Override
  public boolean takesArrays() {
    return true;
  }

  @Override
  public String now() {
    return "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";
  }

  @Override
  public String locked() {
    return " for update";
  }

  @Override
  public String taken() {
    return " for update skip locked";
  }

  /// What the rows hold, and about what they cost.
  @Override
  public String size() {
    return "700 + (select octet_length(q.body) from request q where q.log = l.n)"
        + " + (select coalesce(sum(octet_length(p.bytes) + 50), 0) from piece p"
        + " where p.n >= l.n * 1048576 and p.n < (l.n + 1) * 1048576)";
  }

  @Override
  public String schema() {
    return "dev/meanwhile/store/postgres";
  }

  @Override
  public synchronized void close() {
    if (pool != null) {
      pool.close();
    }
  }
}
