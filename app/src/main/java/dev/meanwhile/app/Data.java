package dev.meanwhile.app;

import dev.meanwhile.server.config.Config;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.jdbc.StoreSettings;
import dev.meanwhile.store.jdbc.Stores;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;

/// Where a server keeps what it promises.
final class Data {
  private static final int READERS = 2;

  private Data() {}

  /// A store in this directory, for trying things out: it keeps a day, and 1 GB at most.
  ///
  /// @throws dev.meanwhile.store.StoreException if it cannot be had, with what to do
  static Store in(Path directory) {
    return in(directory, new Store.Retention(Duration.ofDays(1), 1L << 30));
  }

  private static Store in(Path directory, Store.Retention retention) {
    return Stores.of(new StoreSettings.InDirectory(directory, retention, READERS));
  }

  /// The store that the configuration names, which the server opens and closes.
  ///
  /// @throws dev.meanwhile.store.StoreException if it cannot be had, with what to do
  static Store of(Config config) {
    var server = config.server();
    var retention =
        new Store.Retention(server.keepStored(), server.keepResponses(), server.maxData());
    URI database = server.store();
    if (database == null) {
      return in(server.data(), retention);
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
