package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store;

/// Makes stores.
public final class Stores {
  private Stores() {}

  /// A store that is yet to be opened.
  ///
  /// @throws dev.meanwhile.store.StoreException if it cannot be had, with what to do
  public static Store of(StoreSettings settings) {
    return of(settings, Time.SYSTEM);
  }

  /// The same with a clock of the caller's, which tells when leases and ended runs are too old.
  public static Store of(StoreSettings settings, Time time) {
    return make(settings, time);
  }

  static JdbcStore make(StoreSettings settings, Time time) {
    return switch (settings) {
      case StoreSettings.InDirectory it ->
          new JdbcStore(Sqlite.in(it.directory()), "", it.retention(), it.readers(), time);
      case StoreSettings.InPostgres it ->
          new JdbcStore(new Postgres(it), it.node(), it.retention(), it.readers(), time);
    };
  }
}
