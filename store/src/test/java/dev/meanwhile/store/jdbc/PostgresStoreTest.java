package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store;
import dev.meanwhile.testkit.BatchContract;
import java.sql.SQLException;

class PostgresStoreTest extends BatchContract {
  private final String url;

  PostgresStoreTest() throws SQLException {
    url = Databases.create();
  }

  @Override
  protected Store make(Store.Retention retention) {
    return Databases.store(url, "one", retention, new SettableTime(millis));
  }

  @Override
  protected void retain(Store store) {
    ((JdbcStore) store).retain();
  }

  @Override
  protected void deleteData() throws SQLException {
    Databases.drop(url);
  }
}
