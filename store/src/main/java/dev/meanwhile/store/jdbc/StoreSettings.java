package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store.Retention;
import java.nio.file.Path;

/// Where a store is.
public sealed interface StoreSettings {
  /// How long what has ended is kept.
  Retention retention();

  /// How many questions are answered at a time, 1 or more.
  int readers();

  /// In a directory of this machine, which is made if it is not there, and is this process's alone.
  record InDirectory(Path directory, Retention retention, int readers) implements StoreSettings {}
}
