package dev.meanwhile.store.jdbc;

import static dev.meanwhile.testkit.StoreSamples.digest;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.StoredAnswer;
import dev.meanwhile.testkit.StoreClient;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// How much is read for an answer, and at the start.
class AnswersTest {
  private static final Retention LONG = new Retention(Duration.ofDays(1), Long.MAX_VALUE);

  @TempDir(factory = InMemory.class)
  Path directory = Path.of("");

  private static StoredAnswer answer(String name, long stamp) {
    return new StoredAnswer(
        digest(name), "run_" + stamp, stamp, 5_000, Long.MAX_VALUE, List.of(), digest("log"));
  }

  private StoreClient open() {
    return new StoreClient(Stores.of(new StoreSettings.InDirectory(directory, LONG, 1))).open();
  }

  private Connection connect() throws SQLException {
    return DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("meanwhile.db"));
  }

  /// However many there are: each is found by an index, and nothing looks at all of them.
  @Test
  void what_is_asked_is_found_by_an_index() throws SQLException {
    open().store().close();
    for (String sql : List.of(Answers.FIND, Answers.LAST_OF, Answers.LAST, Answers.SINCE)) {
      var plan = new ArrayList<String>();
      try (Connection connection = connect();
          Statement statement = connection.createStatement();
          var rows = statement.executeQuery("explain query plan " + sql)) {
        while (rows.next()) {
          plan.add(rows.getString("detail"));
        }
      }
      assertThat(plan).as(sql).isNotEmpty().noneMatch(step -> step.contains("SCAN"));
    }
  }

  @Test
  void only_so_many_purges_are_remembered_and_what_was_asked_before_them_is_of_no_use()
      throws SQLException {
    open().store().close();
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute("update purge set number = 100007 where what = x''");
      statement.execute("insert into purge values (cast('old' as blob), 7)");
      statement.execute("insert into purge values (cast('young' as blob), 8)");
    }
    StoreClient client = open();
    assertThat(client.lastPurge()).isEqualTo(100_007);
    for (long stamp : new long[] {6, 7}) {
      client.write(new Change.Kept(answer("stamped " + stamp, stamp)));
    }
    ((JdbcStore) client.store()).retain();
    assertThat(client.answer(digest("stamped 6"), 5_000)).isNull();
    assertThat(client.answer(digest("stamped 7"), 5_000)).isNotNull();
    assertThat(client.write(new Change.Purged("tag"))).isEqualTo(new Outcome.Stored());
    assertThat(client.lastPurge()).isEqualTo(100_008);
    client.store().close();
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        var rows = statement.executeQuery("select cast(what as text) from purge order by number")) {
      var left = new ArrayList<String>();
      while (rows.next()) {
        left.add(rows.getString(1));
      }
      assertThat(left).containsExactlyInAnyOrder(Purge.ALL, "young", "", "tag");
    }
  }
}
