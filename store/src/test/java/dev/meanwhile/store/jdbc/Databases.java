package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.testkit.StoreClient;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/// A PostgreSQL server for all tests of this process, where each has a database of its own.
final class Databases {
  private static final AtomicInteger COUNT = new AtomicInteger();

  /// The server, started by the first that wants it; it ends with the process.
  private static final class Server {
    private static final EmbeddedPostgres INSTANCE = start();

    private static EmbeddedPostgres start() {
      try {
        return builder().setDataDirectory(InMemory.directory("meanwhile-postgres")).start();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private Databases() {}

  /// A server of one's own, as a real one is set.
  static EmbeddedPostgres.Builder builder() {
    return EmbeddedPostgres.builder()
        .setPGStartupWait(Duration.ofMinutes(1))
        .setServerConfig("fsync", "on")
        .setServerConfig("synchronous_commit", "on")
        .setServerConfig("full_page_writes", "on")
        .setServerConfig("dynamic_shared_memory_type", "mmap") // goes with its directory
        .setServerConfig("max_connections", "200");
  }

  /// A new database that has the schema.
  ///
  /// @return its address
  static String create() throws SQLException {
    return create("template " + Template.NAME);
  }

  /// A new database with nothing in it.
  static String empty() throws SQLException {
    return create("");
  }

  private static String create(String how) throws SQLException {
    String name = "test_" + COUNT.incrementAndGet();
    execute("create database " + name + " " + how);
    return Server.INSTANCE.getJdbcUrl("postgres", name);
  }

  /// A database that was opened once, from which others are copied.
  private static final class Template {
    private static final String NAME = make();

    private static String make() {
      try {
        String url = empty();
        Store store = store(url, "first", new Retention(Duration.ofDays(1), 1), Time.SYSTEM);
        new StoreClient(store).open();
        store.close();
        return name(url);
      } catch (SQLException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  static void drop(String url) throws SQLException {
    execute("drop database " + name(url) + " with (force)");
  }

  private static String name(String url) {
    return url.substring(url.lastIndexOf('/') + 1, url.indexOf('?'));
  }

  /// Cuts all connections to a database.
  static void cut(String url) throws SQLException {
    execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '%s'"
            .formatted(name(url)));
  }

  /// Cuts all connections to a database, and lets no new ones in.
  static void refuse(String url) throws SQLException {
    execute("alter database " + name(url) + " allow_connections false");
    cut(url);
  }

  /// Lets connections in again.
  static void admit(String url) throws SQLException {
    execute("alter database " + name(url) + " allow_connections true");
  }

  private static void execute(String sql) throws SQLException {
    try (Connection connection = Server.INSTANCE.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /// A store whose lease no slow machine makes it lose.
  static JdbcStore store(String url, String node, Retention retention, Time time) {
    return Stores.make(settings(url, node, retention), Duration.ofHours(1), time);
  }

  static StoreSettings.InPostgres settings(String url, String node, Retention retention) {
    return new StoreSettings.InPostgres(url, null, null, node, retention, 2);
  }
}
