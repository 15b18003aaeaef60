package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store;
import java.time.Duration;

/// Makes stores.
public final class Stores {
  private Stores() {}

  /// A store that is yet to be opened; it begins to get ready for that by itself.
  ///
  /// @throws dev.meanwhile.store.StoreException if it cannot be had, with what to do
  public static Store of(StoreSettings settings) {
    return of(settings, Lease.LENGTH);
  }

  /// The same with leases of the caller's length: the shorter one is, the sooner others take over
  /// what a node that is gone has left, and the shorter it may be away without losing its own.
  ///
  /// @param lease 5 s or more; after three tenths of it it is renewed
  public static Store of(StoreSettings settings, Duration lease) {
    return make(settings, lease, Time.SYSTEM);
  }

  /// @param time tells when leases and ended runs are too old
  static JdbcStore make(StoreSettings settings, Duration lease, Time time) {
    Database database =
        switch (settings) {
          case StoreSettings.InDirectory it -> Sqlite.in(it.directory());
          case StoreSettings.InPostgres it -> new Postgres(it);
        };
    String node =
        switch (settings) {
          case StoreSettings.InDirectory _ -> "";
          case StoreSettings.InPostgres it -> it.node();
        };
    var store =
        new JdbcStore(database, node, lease, settings.retention(), settings.readers(), time);
    store.prepare();
    return store;
  }
}
