package dev.meanwhile.store.jdbc;

import static dev.meanwhile.testkit.StoreSamples.mailing;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.StoreException;
import dev.meanwhile.testkit.StoreClient;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Objects;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Databases that another version of this program wrote.
class SchemaTest {
  private static final Retention RETENTION =
      new Retention(Duration.ofDays(100_000), Long.MAX_VALUE);
  private static final String RESOURCES = "dev/meanwhile/store/";

  @TempDir(factory = InMemory.class)
  Path temporary = Path.of("");

  private String sqlite() {
    return "jdbc:sqlite:" + temporary.resolve("data").resolve("meanwhile.db");
  }

  private Store inDirectory() {
    return Stores.of(new StoreSettings.InDirectory(temporary.resolve("data"), RETENTION, 2));
  }

  @Test
  void anOldDirectoryGoesOn() throws Exception {
    Files.createDirectories(temporary.resolve("data"));
    goesOn("sqlite", sqlite(), this::inDirectory);
  }

  @Test
  void anOldPostgresGoesOn() throws Exception {
    String url = Databases.empty();
    try {
      goesOn("postgres", url, () -> Databases.store(url, "first", RETENTION, Time.SYSTEM));
    } finally {
      Databases.drop(url);
    }
  }

  private interface Opening {
    Store store() throws SQLException;
  }

  /// Of the first version, with a webhook's notice that is on its way.
  private static void goesOn(String kind, String url, Opening opening) throws SQLException {
    Flyway.configure()
        .dataSource(url, null, null)
        .locations("classpath:" + RESOURCES + kind)
        .target("1")
        .load()
        .migrate();
    execute(
        url,
        "insert into endpoint (id, tenant, name, url, statuses, secret, old_until, created_at,"
            + " updated_at, disabled) values ('whe_old', 'shop', 'old', 'http://127.0.0.1/', ' completed ', "
            + (kind.equals("sqlite") ? "x'00'" : "'\\x00'")
            + ", 0, 1, 1, 0)",
        "insert into notice (endpoint, event, run, api, status, ended_at, tries, due, tried_at,"
            + " result, arrived) values ('whe_old', 'evt_old', 'run_old', 'chat', 'completed', 1, 0, 1, 0, '', 0)");
    Store store = opening.store();
    var client = new StoreClient(store).open();
    assertThat(client.notices("whe_old", null, 10))
        .extracting(Notice::tenant)
        .containsExactly("shop");
    assertThat(client.write(mailing("new", "mailto:ann@example.com")))
        .isEqualTo(new Outcome.Stored());
    store.close();
  }

  @Test
  void aNewerOneIsRefused() throws Exception {
    new StoreClient(inDirectory()).open().store().close();
    execute(sqlite(), "update flyway_schema_history set version = '99' where version = '3'");
    assertThatThrownBy(() -> new StoreClient(inDirectory()).open())
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("newer Meanwhile (schema 99");
  }

  /// Databases have them: what changes is a version of its own.
  @ParameterizedTest
  @CsvSource({"sqlite/V1__runs.sql, f439530a01811179", "postgres/V1__runs.sql, d032a38beab09883"})
  void whatWasOnMainStaysAsItWas(String file, String sha256)
      throws IOException, NoSuchAlgorithmException {
    try (InputStream in = SchemaTest.class.getResourceAsStream("/" + RESOURCES + file)) {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(Objects.requireNonNull(in).readAllBytes());
      assertThat(HexFormat.of().formatHex(digest)).startsWith(sha256);
    }
  }

  private static void execute(String url, String... statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      for (String each : statements) {
        statement.execute(each);
      }
    }
  }
}
