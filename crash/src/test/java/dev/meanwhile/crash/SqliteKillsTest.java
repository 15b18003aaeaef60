package dev.meanwhile.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The short version of `crash/run`.
class SqliteKillsTest {
  private static final long SEED = Long.getLong("seed", 1);

  @Test
  @Timeout(300)
  void keepsWhatItPromisedOverTwentyKills() throws Exception {
    // Kept after the test: what a failure is looked into with.
    Path work = Files.createDirectories(Path.of("target", "campaigns"));
    Path each = Files.createTempDirectory(work, "sqlite-");
    try (Storage storage = new SqliteStorage(each.resolve("data"))) {
      Tally tally = new Campaign(storage, SEED, 20, each).run();
      System.out.println(tally.line());
      assertThat(tally.kills()).isGreaterThanOrEqualTo(20);
      assertThat(tally.promised()).isPositive();
      assertThat(tally.told()).isPositive();
      assertThat(tally.violations()).as("-Dseed=%d, %s", SEED, each).isEmpty();
    }
  }
}
