package dev.meanwhile.store.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.testkit.StoreClient;
import dev.meanwhile.testkit.StoreSamples;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What much writing and deleting does to the files.
final class SqliteGiveBackTest {
  private static final int RUNS = 20;
  private static final int ANSWER = 1_000_000;

  @TempDir Path directory = Path.of("");

  @Test
  @Timeout(60)
  void retentionGivesPagesBackAndWritingGoesOn() throws IOException {
    var millis = new AtomicLong(1_000);
    var retention = new Store.Retention(Duration.ofSeconds(1), Long.MAX_VALUE);
    try (JdbcStore store =
        Stores.make(
            new StoreSettings.InDirectory(directory, retention, 1),
            Lease.LENGTH,
            new SettableTime(millis))) {
      var client = new StoreClient(store).open();
      for (int i = 0; i < RUNS; i++) {
        String name = "r" + i;
        client.write(StoreSamples.accept(name));
        client.write(StoreSamples.started(name, 1));
        var whole = new Piece(0, 1, new byte[ANSWER]);
        var terminal = StoreSamples.bytes("terminal");
        client.write(
            new Change.Ended(
                StoreSamples.log(name).id(), 1, "completed", 1_000, whole, null, terminal, true));
      }
      millis.addAndGet(10_000);
      store.retain();
      assertThat(client.write(StoreSamples.accept("later"))).isEqualTo(new Outcome.Stored());
    }
    assertThat(bytes()).isLessThan((long) RUNS * ANSWER / 2);
  }

  /// How long it gets depends on how soon the copying thread has its turn; but then it is written
  /// from its beginning again.
  @Test
  @Timeout(120)
  void theLogStopsGrowingWhileMuchIsWritten() throws IOException {
    var retention = new Store.Retention(Duration.ofDays(100_000), Long.MAX_VALUE);
    try (JdbcStore store =
        Stores.make(
            new StoreSettings.InDirectory(directory, retention, 1), Lease.LENGTH, Time.SYSTEM)) {
      var client = new StoreClient(store).open();
      client.write(StoreSamples.accept("a"));
      client.write(StoreSamples.started("a", 1));
      long size = 0;
      int still = 0;
      int piece = 0;
      // In a burst the log would grow by 2,000 pages at least, and it begins again at 4,000.
      for (int burst = 0; still < 5; burst++) {
        assertThat(burst).isLessThan(150);
        for (int end = piece + 1_000; piece < end; piece++) {
          var bytes = new Piece(piece, piece + 1, new byte[8_000]);
          client.write(new Change.Checkpoint(StoreSamples.log("a").id(), 1, bytes, null));
        }
        long now = Files.size(directory.resolve("meanwhile.db-wal"));
        still = now == size ? still + 1 : 0;
        size = now;
      }
    }
  }

  private long bytes() throws IOException {
    try (var files = Files.list(directory)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    }
  }
}
