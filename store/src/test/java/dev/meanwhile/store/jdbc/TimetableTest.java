package dev.meanwhile.store.jdbc;

import static dev.meanwhile.testkit.StoreSamples.accept;
import static dev.meanwhile.testkit.StoreSamples.completed;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.testkit.StoreClient;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Retention is due by itself.
class TimetableTest {
  private static final Retention LONG = new Retention(Duration.ofDays(100_000), Long.MAX_VALUE);
  private static final Retention SHORT = new Retention(Duration.ofDays(1), Long.MAX_VALUE);

  @TempDir Path directory = Path.of("");

  @Test
  void sqlite_forgets_by_itself() throws SQLException {
    Path data = directory.resolve("data");
    forgets(
        retention -> Stores.of(new StoreSettings.InDirectory(data, retention, 1)),
        "jdbc:sqlite:" + data.resolve("meanwhile.db"));
  }

  @Test
  void postgres_forgets_by_itself() throws SQLException {
    String url = Databases.create();
    forgets(retention -> Databases.store(url, "one", retention, Time.SYSTEM), url);
    Databases.drop(url);
  }

  private static void forgets(Function<Retention, Store> make, String url) throws SQLException {
    var before = new StoreClient(make.apply(LONG)).open();
    assertThat(before.write(accept("old"))).isEqualTo(new Outcome.Stored());
    assertThat(before.write(completed("old", 0, 5_000))).isEqualTo(new Outcome.Stored());
    assertThat(before.write(accept("waits"))).isEqualTo(new Outcome.Stored());
    before.store().close();
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      // Else it is due a minute after the last time.
      statement.execute("delete from scheduled_tasks");
    }
    var after = new StoreClient(make.apply(SHORT)).open();
    Awaiting.that(() -> after.find("run_old") == null);
    assertThat(after.find("run_waits")).isNotNull();
    after.store().close();
  }
}
