package dev.meanwhile.store.jdbc;

import static dev.meanwhile.testkit.StoreSamples.accept;
import static dev.meanwhile.testkit.StoreSamples.checkpoint;
import static dev.meanwhile.testkit.StoreSamples.completed;
import static dev.meanwhile.testkit.StoreSamples.started;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.testkit.StoreClient;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// PostgreSQL is killed and started again.
class PostgresRestartTest {
  private static final Outcome STORED = new Outcome.Stored();

  @TempDir Path directory = Path.of("");

  private EmbeddedPostgres start(int port) throws IOException {
    // What was committed without waiting for the disk is written there late, so that it is lost.
    return Databases.builder()
        .setServerConfig("wal_writer_delay", "10000")
        .setServerConfig("wal_writer_flush_after", "1GB")
        .setPort(port)
        .setDataDirectory(directory.resolve("data"))
        .setCleanDataDirectory(false)
        .start();
  }

  /// The first line of this file is the process's id.
  private void kill(EmbeddedPostgres server) throws Exception {
    Path file = directory.resolve("data").resolve("postmaster.pid");
    ProcessHandle process =
        ProcessHandle.of(Long.parseLong(Files.readAllLines(file).getFirst())).orElseThrow();
    process.destroyForcibly();
    process.onExit().get();
    Files.deleteIfExists(file);
    server.close(); // it holds a lock
  }

  @Test
  void loses_nothing_when_the_database_is_killed() throws Exception {
    EmbeddedPostgres first = start(0);
    int port = first.getPort();
    String url = first.getJdbcUrl("postgres", "postgres");
    var client =
        new StoreClient(
                Databases.store(
                    url,
                    "one",
                    new Retention(Duration.ofDays(100_000), Long.MAX_VALUE),
                    Time.SYSTEM))
            .open();
    var accepts = new ArrayList<StoreClient.Answer<Outcome>>();
    for (int i = 0; i < 50; i++) {
      accepts.add(client.later(accept("r" + i)));
    }
    accepts.forEach(it -> assertThat(it.now()).isEqualTo(STORED));
    // No promises: answered, and lost with the database.
    for (int i = 0; i < 50; i++) {
      assertThat(client.write(started("r" + i, 1))).isEqualTo(STORED);
      assertThat(client.write(checkpoint("r" + i, 1, 0, 3))).isEqualTo(STORED);
    }
    kill(first);
    var later = new ArrayList<StoreClient.Answer<Outcome>>();
    for (int i = 0; i < 50; i++) {
      later.add(client.later(checkpoint("r" + i, 1, 1, 5)));
      later.add(client.later(completed("r" + i, 1, 5_000)));
    }
    Awaiting.that(() -> client.store().trouble() != null);
    assertThat(client.store().trouble()).contains("does not answer");
    assertThat(client.write(accept("refused"))).isInstanceOf(Outcome.Refused.class);
    assertThat(later).noneMatch(StoreClient.Answer::isThere);

    EmbeddedPostgres second = start(port);
    later.forEach(it -> assertThat(it.now()).isEqualTo(STORED));
    assertThat(client.store().trouble()).isNull();
    assertThat(client.find("run_refused")).isNull();
    for (int i = 0; i < 50; i++) {
      assertThat(Objects.requireNonNull(client.find("run_r" + i)).status()).isEqualTo("completed");
      assertThat(client.pieces("log_r" + i, 0)).hasSize(2);
    }
    assertThat(client.write(accept("accepted"))).isEqualTo(STORED);
    client.store().close();
    second.close();
  }
}
