package dev.meanwhile.benchmarks;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;

/// A PostgreSQL server that keeps what it has promised: `fsync` and `synchronous_commit` are on.
final class PostgresServer implements AutoCloseable {
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
            .setServerConfig("fsync", "on")
            .setServerConfig("synchronous_commit", "on")
            .setServerConfig("full_page_writes", "on")
            .setServerConfig("max_connections", "300")
            .start();
    return new PostgresServer(server, data);
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
