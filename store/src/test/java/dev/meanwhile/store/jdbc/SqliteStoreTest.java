package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store;
import dev.meanwhile.testkit.BatchContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class SqliteStoreTest extends BatchContract {
  @TempDir(factory = InMemory.class)
  Path directory = Path.of("");

  @Override
  protected Store make(Store.Retention retention) {
    return Stores.make(
        new StoreSettings.InDirectory(directory.resolve("data"), retention, 2),
        Lease.LENGTH,
        new SettableTime(millis));
  }

  @Override
  protected void retain(Store store) {
    ((JdbcStore) store).retain();
  }

  @Override
  protected void deleteData() {}
}
