package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.StoreException;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.Semaphore;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/// One SQLite database in a directory of its own, which is this process's alone.
///
/// There may be one writing connection at a time; who wants to write waits for its turn, in order.
final class Sqlite implements Database {
  private static final int BUSY_MILLIS = 10_000;
  private static final int CHECKPOINT_BUSY_MILLIS = 2_000;

  private final Path directory;
  private final Path file;
  private final DirectoryLock lock;
  private final SqliteScheduling scheduling;
  private final Checkpoints checkpoints;
  private final Semaphore turn = new Semaphore(1, true);
  private volatile @Nullable Connection writer;
  private boolean promises = true;

  private Sqlite(Path directory, DirectoryLock lock) throws IOException {
    this.directory = directory;
    this.lock = lock;
    file = directory.resolve("meanwhile.db");
    OwnFiles.createFile(file); // -wal and -shm get its permissions
    scheduling = new SqliteScheduling(this);
    checkpoints = new Checkpoints(this);
    checkpoints.start();
  }

  /// Takes the directory.
  ///
  /// @throws StoreException if another process has it, or it cannot be written
  static Sqlite in(Path directory) {
    try {
      OwnFiles.createDirectory(directory);
      DirectoryLock lock = DirectoryLock.take(directory);
      try {
        return new Sqlite(directory, lock);
      } catch (IOException | RuntimeException e) {
        lock.close();
        throw e;
      }
    } catch (IOException e) {
      throw new StoreException(
          "The data directory "
              + directory
              + " cannot be written: "
              + e
              + ". Choose another one with --data.",
          e);
    }
  }

  Path file() {
    return file;
  }

  String url() {
    return "jdbc:sqlite:" + file;
  }

  static SQLiteConfig config() {
    var config = new SQLiteConfig();
    config.setBusyTimeout(BUSY_MILLIS);
    config.setPragma(SQLiteConfig.Pragma.SECURE_DELETE, "true");
    config.setPragma(SQLiteConfig.Pragma.TEMP_STORE, "memory");
    config.setPragma(SQLiteConfig.Pragma.CACHE_SIZE, "-16000");
    config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    return config;
  }

  @Override
  public Connection writing() throws SQLException {
    Connection connection = open(config());
    try {
      // In a new database this must come first: the next one writes a page.
      execute(connection, "pragma auto_vacuum = incremental");
      execute(connection, "pragma journal_mode = wal");
      execute(connection, "pragma wal_autocheckpoint = 0");
      connection.setAutoCommit(false);
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
    promises = true;
    writer = connection;
    return connection;
  }

  /// A connection that moves the log into the database.
  Connection checkpointing() throws SQLException {
    SQLiteConfig config = config();
    config.setBusyTimeout(CHECKPOINT_BUSY_MILLIS);
    Connection connection = open(config);
    execute(connection, "pragma wal_autocheckpoint = 0");
    return connection;
  }

  /// Has the writer forget which pages it holds in memory. With the writer's turn.
  void forget() throws SQLException {
    Connection connection = writer;
    if (connection != null && !connection.isClosed()) {
      execute(connection, "pragma shrink_memory");
    }
  }

  @Override
  public Connection reading() throws SQLException {
    SQLiteConfig config = config();
    Connection connection = open(config);
    execute(connection, "pragma query_only = true");
    execute(connection, "pragma wal_autocheckpoint = 0");
    return connection;
  }

  private Connection open(SQLiteConfig config) throws SQLException {
    return config.createConnection(url());
  }

  static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void check(Connection connection) {}

  @Override
  public DataSource scheduling() {
    return scheduling;
  }

  @Override
  public DataSource migrating() {
    var source = new SQLiteDataSource(config());
    source.setUrl(url());
    return source;
  }

  @Override
  public void durability(Connection connection, boolean promise) throws SQLException {
    if (promise != promises) {
      connection.setAutoCommit(true); // it cannot be changed within a transaction
      execute(connection, "pragma synchronous = " + (promise ? "full" : "normal"));
      connection.setAutoCommit(false);
      promises = promise;
    }
  }

  @Override
  public void awaitTurn() {
    turn.acquireUninterruptibly();
  }

  @Override
  public void endTurn() {
    turn.release();
  }

  @Override
  public void committed() {
    checkpoints.committed();
  }

  /// What was committed may be in memory only, if that was what failed: a checkpoint writes all of
  /// it to another file and waits for the disk.
  @Override
  public void recover(Connection connection) throws SQLException {
    connection.setAutoCommit(true);
    Checkpoints.truncate(connection);
    connection.setAutoCommit(false);
  }

  @Override
  public void opened(Session session) throws SQLException {
    if (session.exists("select 1 from constant where name = ?", Checkpoints.UNFINISHED)) {
      checkpoints.erased(() -> {});
    }
    session.connection().rollback();
  }

  @Override
  public void erasing(Session session) throws SQLException {
    session.update(
        "insert into constant (name, value) values (?, x'') on conflict do nothing",
        Checkpoints.UNFINISHED);
  }

  @Override
  public void erased(Runnable done) {
    checkpoints.erased(done);
  }

  @Override
  public Fault fault(SQLException failure) {
    SQLiteErrorCode code =
        failure instanceof SQLiteException sqlite
            ? sqlite.getResultCode()
            : SQLiteErrorCode.getErrorCode(failure.getErrorCode());
    String says = " (SQLite says: " + failure.getMessage() + ")";
    return switch (SQLiteErrorCode.getErrorCode(code.code & 0xff)) {
      case SQLITE_FULL ->
          new Fault(
              Fault.Kind.FULL,
              "The disk that holds "
                  + directory
                  + " is full. Free some space, or lower max-data."
                  + says);
      case SQLITE_BUSY, SQLITE_LOCKED ->
          new Fault(
              Fault.Kind.AGAIN,
              "Another program has locked " + file + ". Close it (an SQLite shell?)." + says);
      case SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_MISMATCH, SQLITE_RANGE ->
          new Fault(Fault.Kind.CHANGE, "The database does not take this." + says);
      case SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH ->
          new Fault(
              Fault.Kind.TROUBLE,
              "The database "
                  + file
                  + " cannot be written. Look at the permissions of its directory and files."
                  + says);
      case SQLITE_CORRUPT, SQLITE_NOTADB ->
          new Fault(
              Fault.Kind.TROUBLE,
              "The database "
                  + file
                  + " is damaged. Stop Meanwhile, keep a copy, and restore a backup, or start with"
                  + " an empty directory."
                  + says);
      default ->
          new Fault(
              Fault.Kind.TROUBLE,
              "The disk that holds " + directory + " does not take what is written." + says);
    };
  }

  @Override
  public boolean shared() {
    return false;
  }

  @Override
  public long used(Session session) throws SQLException {
    return pragma(session, "page_size")
        * (pragma(session, "page_count") - pragma(session, "freelist_count"));
  }

  private static long pragma(Session session, String name) throws SQLException {
    Long value = session.first("pragma " + name, row -> row.getLong(1));
    return value == null ? 0 : value;
  }

  @Override
  public boolean giveBack(Session session) throws SQLException {
    long free = pragma(session, "freelist_count");
    if (free < 1000 || free < pragma(session, "page_count") / 4) {
      return false;
    }
    try (Statement statement = session.connection().createStatement()) {
      // Not a query, as it has no columns; `execute` would free one page only.
      statement.executeUpdate("pragma incremental_vacuum(500)");
    }
    return true;
  }

  @Override
  public boolean takesArrays() {
    return false;
  }

  @Override
  public String now() {
    return "0";
  }

  @Override
  public String locked() {
    return "";
  }

  @Override
  public String taken() {
    return "";
  }

  @Override
  public String size() {
    return "0";
  }

  @Override
  public String schema() {
    return "dev/meanwhile/store/sqlite";
  }

  @Override
  public void close() {
    checkpoints.close();
    lock.close();
  }
}
