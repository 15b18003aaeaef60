package dev.meanwhile.benchmarks;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;

/// A PostgreSQL server that keeps what it has promised: `fsync` and `synchronous_commit` are on.
final class PostgresServer implements AutoCloseable {
  /// As much as its `max_wal_size` of 1 GB lets it keep.
  private static final int SEGMENTS = 60;

  private final EmbeddedPostgres server;
  private final Path data;

  private PostgresServer(EmbeddedPostgres server, Path data) {
    this.server = server;
    this.data = data;
  }

  static PostgresServer start(Path work) throws IOException {
    var data = work.resolve("postgres");
    var server =
        EmbeddedPostgres.builder()
            .setDataDirectory(data)
            .setPGStartupWait(Duration.ofMinutes(1))
            .setServerConfig("fsync", "on")
            .setServerConfig("synchronous_commit", "on")
            .setServerConfig("full_page_writes", "on")
            .setServerConfig("max_connections", "300")
            .start();
    var started = new PostgresServer(server, data);
    try {
      started.fillJournal();
    } catch (SQLException failure) {
      server.close();
      throw new IOException("PostgreSQL cannot write its journal", failure);
    }
    return started;
  }

  /// A new server stops for some 60 ms to make each 16 MB of its journal, until it has enough to
  /// use again after a checkpoint; one that has run for a while does not. All peers find the
  /// latter.
  private void fillJournal() throws SQLException {
    ask("create table journal ()");
    for (var i = 0; i < SEGMENTS; i++) {
      ask("insert into journal default values");
      ask("select pg_switch_wal()");
    }
    ask("drop table journal");
    checkpoint();
  }

  /// As it comes every few minutes: the journal's files are used again.
  void checkpoint() throws SQLException {
    ask("checkpoint");
  }

  /// Makes a database and returns its address.
  String create(String name) throws SQLException {
    ask("create database " + name);
    return server.getJdbcUrl("postgres", name);
  }

  /// The bytes of a database, its indexes and its free space, without the server's journal.
  long bytes(String name) throws SQLException {
    return Long.parseLong(ask("select pg_database_size('" + name + "')"));
  }

  String version() throws SQLException {
    return ask("show server_version");
  }

  ProcessTree processes() throws IOException {
    var pid = Files.readAllLines(data.resolve("postmaster.pid")).getFirst().strip();
    return new ProcessTree(ProcessHandle.of(Long.parseLong(pid)).orElseThrow());
  }

  private String ask(String sql) throws SQLException {
    try (var connection = server.getPostgresDatabase().getConnection();
        var statement = connection.createStatement()) {
      if (statement.execute(sql)) {
        try (var rows = statement.getResultSet()) {
          rows.next();
          return rows.getString(1);
        }
      }
      return "";
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
