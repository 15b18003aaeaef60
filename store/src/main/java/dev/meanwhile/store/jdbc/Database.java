package dev.meanwhile.store.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

/// All in which SQLite and PostgreSQL differ.
sealed interface Database extends AutoCloseable permits Sqlite, Postgres {
  /// A connection for the writer, which commits by itself.
  Connection writing() throws SQLException;

  /// A connection for questions.
  Connection reading() throws SQLException;

  /// Looks whether it is of use at all.
  ///
  /// @throws dev.meanwhile.store.StoreException if it is not, with what to do
  void check(Connection connection) throws SQLException;

  /// The schema is there: takes up what the process before could not finish.
  void opened(Session session) throws SQLException;

  /// Connections for db-scheduler.
  DataSource scheduling();

  /// Connections for changes of the schema.
  DataSource migrating();

  /// Makes the next transaction one that survives a loss of power once it is committed, or one that
  /// need only survive a loss of this process.
  void durability(Connection connection, boolean promise) throws SQLException;

  /// Waits for the right to write. Where several connections may write at once there is nothing to
  /// wait for.
  void awaitTurn();

  /// Gives the right to write up.
  void endTurn();

  /// The writer has committed.
  void committed();

  /// The writer's connection had failed and this is a new one: makes sure that what was committed
  /// on the old one is on the disk.
  void recover(Connection connection) throws SQLException;

  /// Within the transaction that deletes it: something is to be gone to its last byte, also if this
  /// process ends before that is done.
  void erasing(Session session) throws SQLException;

  /// Runs `done` once nothing is left of what was deleted before.
  void erased(Runnable done);

  Fault fault(SQLException failure);

  /// Whether other nodes may use it at the same time.
  boolean shared();

  /// How many bytes the data has.
  long used(Session session) throws SQLException;

  /// Gives what retention has freed back, in small parts, under the writer's turn.
  ///
  /// @return whether there is more
  boolean giveBack(Session session) throws SQLException;

  /// Whether a statement can be given arrays.
  boolean takesArrays();

  /// An SQL expression: milliseconds since 1970 by the database's clock.
  String now();

  /// What a `select` ends with to keep others from the rows it reads.
  String locked();

  /// What a `select` ends with to take rows that nobody else takes.
  String taken();

  /// An SQL expression: how many bytes a log `l` has, or 0 where nobody asks.
  String size();

  /// Where the schema's versions are: a folder of the class path.
  String schema();

  @Override
  void close();
}
