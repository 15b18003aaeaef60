package dev.meanwhile.store.jdbc;

import static dev.meanwhile.testkit.StoreSamples.accept;
import static dev.meanwhile.testkit.StoreSamples.log;
import static dev.meanwhile.testkit.StoreSamples.run;
import static dev.meanwhile.testkit.StoreSamples.started;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.testkit.StoreClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// On a disk that is full: a small file system in memory.
class SqliteTroubleTest {
  private static final Outcome STORED = new Outcome.Stored();

  @TempDir Path disk = Path.of("");
  private @Nullable Store store;

  @BeforeEach
  void mount() throws Exception {
    assumeThat(ran("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk.toString()))
        .as("may mount a file system")
        .isTrue();
  }

  private StoreClient open() {
    var client =
        new StoreClient(
                Stores.of(
                    new StoreSettings.InDirectory(
                        disk.resolve("data"),
                        new Retention(Duration.ofDays(100_000), Long.MAX_VALUE),
                        1)))
            .open();
    store = client.store();
    return client;
  }

  @AfterEach
  void unmount() throws Exception {
    if (store != null) {
      store.close();
    }
    ran("umount", "--lazy", disk.toString());
  }

  private static boolean ran(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor() == 0;
  }

  @Test
  void refuses_on_a_full_disk_and_goes_on_when_there_is_space() throws IOException {
    StoreClient client = open();
    assertThat(client.write(accept("a"))).isEqualTo(STORED);
    assertThat(client.write(started("a", 1))).isEqualTo(STORED);
    Path filler = disk.resolve("filler");
    fill(filler);

    assertThat(client.write(large("b")))
        .isInstanceOfSatisfying(
            Outcome.Refused.class,
            it -> assertThat(it.reason()).contains("is full").contains("Free some space"));
    var end = client.later(largeEnd("a", 1));
    Awaiting.that(() -> client.store().trouble() != null);
    assertThat(client.store().trouble()).contains("is full");
    assertThat(client.write(accept("c"))).isInstanceOf(Outcome.Refused.class);
    assertThat(client.find("run_b")).isNull();
    assertThat(end.isThere()).as("it is tried again").isFalse();

    Files.delete(filler);
    assertThat(end.now()).isEqualTo(STORED);
    assertThat(client.write(accept("d"))).isEqualTo(STORED);
    assertThat(client.store().trouble()).isNull();
    assertThat(client.find("run_b")).isNull();
    assertThat(client.find("run_c")).isNull();
    client.store().close();
  }

  @Test
  void closes_on_a_full_disk() throws IOException {
    StoreClient client = open();
    assertThat(client.write(accept("a"))).isEqualTo(STORED);
    fill(disk.resolve("filler"));
    assertThat(client.write(large("b"))).isInstanceOf(Outcome.Refused.class);
    var end = client.later(largeEnd("a", 0));
    client.store().close();
    assertThat(end.isThere()).as("nobody knows").isFalse();
  }

  private static Change.Ended largeEnd(String name, int attempt) {
    return new Change.Ended(
        "log_" + name, attempt, "completed", 5_000, null, null, new byte[100_000], false);
  }

  private static Change.Accept large(String name) {
    StoredLog small = log(name);
    var large =
        new StoredLog(
            small.id(),
            "shop",
            "openai",
            2,
            1,
            1,
            0,
            0,
            "queued",
            0,
            0,
            new byte[100_000],
            null,
            null);
    return new Change.Accept(run(name, large), large, null);
  }

  private static void fill(Path file) throws IOException {
    byte[] chunk = new byte[4096];
    try (var out = Files.newOutputStream(file)) {
      while (true) {
        out.write(chunk);
      }
    } catch (IOException e) {
      // That is how one sees that it is full.
      assertThat(e).hasMessageContaining("No space");
    }
  }
}
