package dev.meanwhile.store.jdbc;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Copies SQLite's write-ahead log into the database on a thread of its own, so that no commit
/// waits for it, and sees to it that what was erased is in neither.
final class Checkpoints {
  private static final System.Logger LOG = System.getLogger(Checkpoints.class.getName());

  /// The constant that is there from an erasure until its bytes are gone.
  static final String UNFINISHED = "unfinished erasure";

  /// So many frames are worth a copy.
  private static final int WORTH_COPYING = 1000;

  /// From here on it has the log begin again, for which the writer waits.
  private static final int TOO_LONG = 4000;

  /// So many frames may be copied while the writer waits.
  private static final int FEW_LEFT = 100;

  /// So many pages may be scrubbed while the writer waits.
  private static final int FEW = 2000;

  private static final int MOST_ROUNDS = 5;
  private static final Duration PAUSE = Duration.ofMillis(500);

  private final Sqlite database;
  private final WalIndex wal;
  private final Thread thread = Threads.named("store-checkpoints", this::run);

  // Guarded by this.
  private List<Runnable> erased = new ArrayList<>();
  private boolean wanted;
  private boolean closing;

  // Only with the writer's turn. Pages that may hold what was deleted; null is all.
  private @Nullable BitSet touched;
  private int seen;
  private int salt;

  private @Nullable Connection connection;
  private @Nullable Scrub scrub;

  Checkpoints(Sqlite database) {
    this.database = database;
    wal = new WalIndex(database.file());
  }

  /// The database is there.
  void start() {
    thread.start();
  }

  /// Something was committed. With the writer's turn.
  void committed() {
    try {
      int frames = wal.frames();
      note(frames);
      if (frames - wal.copied() > WORTH_COPYING) {
        wake();
      }
    } catch (IOException e) {
      touched = null;
      LOG.log(Level.WARNING, "SQLite's log cannot be read", e);
    }
  }

  private void note(int frames) throws IOException {
    int now = wal.salt();
    if (touched != null && scrub != null) {
      wal.pages(now == salt ? seen : 0, frames, scrub.pageSize(), touched);
    }
    seen = frames;
    salt = now;
  }

  private synchronized void wake() {
    wanted = true;
    notifyAll();
  }

  /// Runs `done` once nothing is left of what was deleted and committed before.
  synchronized void erased(Runnable done) {
    erased.add(done);
    notifyAll();
  }

  private void run() {
    List<Runnable> due = new ArrayList<>();
    boolean failed = false;
    while (await(due, failed)) {
      try {
        if (!due.isEmpty()) {
          erase();
          due.forEach(Runnable::run);
          due.clear();
        }
        copy();
        failed = false;
      } catch (SQLException | IOException e) {
        LOG.log(Level.WARNING, "SQLite's log cannot be copied into the database; trying again", e);
        failed = true;
      }
    }
  }

  /// @return whether there is anything to do; else the store closes
  private synchronized boolean await(List<Runnable> due, boolean failed) {
    try {
      long until = System.nanoTime() + (failed ? PAUSE.toNanos() : 0);
      for (long left = until - System.nanoTime(); left > 0 && !closing; ) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
        left = until - System.nanoTime();
      }
      while (!wanted && erased.isEmpty() && due.isEmpty() && !closing) {
        wait();
      }
    } catch (InterruptedException e) {
      return false;
    }
    due.addAll(erased);
    erased = new ArrayList<>();
    wanted = false;
    return !closing || (!due.isEmpty() && !failed);
  }

  private void copy() throws SQLException, IOException {
    if (wal.frames() - wal.copied() <= WORTH_COPYING) {
      return;
    }
    boolean tooLong = wal.frames() > TOO_LONG;
    // What is written while one copies is left for the next; the fewer are left, the less the
    // writer waits for below (p99 of a promise 78 ms with a thousand left, 4 ms with a hundred).
    int rounds = tooLong ? MOST_ROUNDS : 1;
    for (int i = 0; i < rounds && wal.frames() - wal.copied() > FEW_LEFT; i++) {
      checkpoint(connected(), "passive");
    }
    if (tooLong && wal.frames() > TOO_LONG) {
      database.awaitTurn();
      try {
        checkpoint(connected(), "restart"); // if a reader is in the way: the next time
      } finally {
        database.endTurn();
      }
    }
  }

  /// While it works nothing is copied from the log, so nothing but it changes the file.
  private void erase() throws SQLException, IOException {
    for (int round = 1; ; round++) {
      database.awaitTurn();
      BitSet pages;
      try {
        truncate(connected());
        if (scrub == null) {
          scrub = new Scrub(database.file());
        }
        pages = touched == null ? scrub.all() : touched;
        touched = new BitSet();
        note(0);
        if (pages.cardinality() <= FEW || round == MOST_ROUNDS) {
          scrub.pages(pages);
          database.forget();
          finished(connected());
          return;
        }
      } catch (IOException | SQLException e) {
        touched = null;
        throw e;
      } finally {
        database.endTurn();
      }
      boolean scrubbed = false;
      try {
        scrub.pages(pages);
        scrubbed = true;
      } finally {
        database.awaitTurn();
        if (!scrubbed) {
          touched = null;
        }
        database.forget(); // what the writer holds in memory is as it was before
        database.endTurn();
      }
    }
  }

  private static void finished(Connection connection) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("delete from constant where name = ?")) {
      statement.setString(1, UNFINISHED);
      statement.executeUpdate();
    }
  }

  private Connection connected() throws SQLException {
    if (connection == null) {
      connection = database.checkpointing();
    }
    return connection;
  }

  /// Copies all of the log and empties its file.
  static void truncate(Connection connection) throws SQLException {
    if (!checkpoint(connection, "truncate")) {
      throw new SQLException("a reader was in the way of a checkpoint");
    }
  }

  private static boolean checkpoint(Connection connection, String how) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("pragma wal_checkpoint(" + how + ")")) {
      return result.next() && result.getInt(1) == 0;
    }
  }

  /// Finishes what was begun. After the writer's end.
  void close() {
    synchronized (this) {
      closing = true;
      notifyAll();
    }
    Threads.join(thread);
    try {
      if (connection != null) {
        connection.close();
      }
      if (scrub != null) {
        scrub.close();
      }
      wal.close();
    } catch (SQLException | IOException e) {
      LOG.log(Level.DEBUG, "SQLite's files did not close", e);
    }
  }
}
