package dev.meanwhile.app;

import dev.meanwhile.server.config.Config;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.jdbc.StoreSettings;
import dev.meanwhile.store.jdbc.Stores;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;

/// Where a server keeps what it promises.
final class Data {
  private static final int READERS = 2;

  private Data() {}

  /// The store that the configuration names, which the server opens and closes.
  ///
  /// @throws dev.meanwhile.store.StoreException if it cannot be had, with what to do
  static Store of(Config config) {
    var server = config.server();
    var retention = new Store.Retention(server.keepStored(), server.maxData());
    URI database = server.store();
    if (database == null) {
      return Stores.of(new StoreSettings.InDirectory(server.data(), retention, READERS));
    }
    String node = server.node() == null ? machine() + "-" + server.port() : server.node();
    return Stores.of(
        new StoreSettings.InPostgres(database.toString(), null, null, node, retention, READERS));
  }

  private static String machine() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      throw new CannotRun("This machine's name is not known: give the node one with --node.");
    }
  }
}
