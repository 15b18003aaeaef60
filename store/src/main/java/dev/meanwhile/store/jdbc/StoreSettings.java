package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.StoreException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Where a store is.
public sealed interface StoreSettings {
  /// How long what has ended is kept.
  Retention retention();

  /// How many questions are answered at a time, 1 or more.
  int readers();

  /// In a directory of this machine, which is made if it is not there, and is this process's alone.
  record InDirectory(Path directory, Retention retention, int readers) implements StoreSettings {}

  /// In a PostgreSQL database, which other nodes may use too.
  ///
  /// @param url `jdbc:postgresql://host:port/database`
  /// @param user null if the address says it
  /// @param password null if the address says it, or none is needed
  /// @param node the name of this node, not that of another one that runs
  record InPostgres(
      String url,
      @Nullable String user,
      @Nullable String password,
      String node,
      Retention retention,
      int readers)
      implements StoreSettings {
    public InPostgres {
      if (!url.startsWith("jdbc:postgresql:")) {
        throw new StoreException(
            "'" + url + "' is no PostgreSQL address: jdbc:postgresql://host:port/database");
      }
    }

    @Override
    public String toString() {
      return "InPostgres[url=" + url + ", node=" + node + "]";
    }
  }
}
