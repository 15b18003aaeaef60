package dev.meanwhile.store.jdbc;

import static dev.meanwhile.testkit.StoreSamples.accept;
import static dev.meanwhile.testkit.StoreSamples.completed;
import static dev.meanwhile.testkit.StoreSamples.started;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.StoreException;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.StoreClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What SQLite leaves on the disk.
class SqliteFilesTest {
  private static final Outcome STORED = new Outcome.Stored();

  private static final int RUNS = 1_500;

  @TempDir Path temporary = Path.of("");

  private Path data() {
    return temporary.resolve("data");
  }

  private StoreClient open() {
    return new StoreClient(
            Stores.of(
                new StoreSettings.InDirectory(
                    data(), new Retention(Duration.ofDays(100_000), Long.MAX_VALUE), 2)))
        .open();
  }

  @Test
  void only_the_owner_may_read_it() throws IOException {
    Files.createDirectories(data());
    Files.setPosixFilePermissions(data(), PosixFilePermissions.fromString("rwxr-xr-x"));
    var client = open();
    client.write(accept("a"));
    assertThat(permissions(data())).isEqualTo("rwx------");
    for (String file : List.of("lock", "meanwhile.db", "meanwhile.db-wal", "meanwhile.db-shm")) {
      assertThat(permissions(data().resolve(file))).as(file).isEqualTo("rw-------");
    }
    client.store().close();
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void a_directory_is_one_stores() {
    var client = open();
    assertThatThrownBy(this::open)
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("in use by another process")
        .hasMessageContaining(data().toString());
    client.store().close();
    open().store().close();
  }

  @Test
  void a_directory_is_one_processs() throws Exception {
    var client = open();
    assertThat(openElsewhere()).contains("in use by another process");
    client.store().close();
    assertThat(openElsewhere()).contains("opened");
  }

  /// In another process.
  private String openElsewhere() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Opening.class.getName(),
                data().toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return said;
  }

  /// The other process.
  static final class Opening {
    public static void main(String[] args) {
      try {
        Store store =
            Stores.of(
                new StoreSettings.InDirectory(
                    Path.of(args[0]), new Retention(Duration.ofDays(1), 1), 1));
        new StoreClient(store).open();
        store.close();
        System.out.println("opened");
      } catch (StoreException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void a_directory_that_cannot_be_made_is_told_of() throws IOException {
    Files.writeString(data(), "a file");
    assertThatThrownBy(this::open)
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("--data");
  }

  @Test
  void opens_with_what_is_whole_of_a_garbled_log() throws IOException {
    var client = open();
    for (int i = 0; i < 100; i++) {
      assertThat(client.write(accept("r" + i))).isEqualTo(STORED);
    }
    Path copies = temporary.resolve("copies");
    Files.createDirectories(copies);
    for (String file : List.of("meanwhile.db", "meanwhile.db-wal")) {
      Files.copy(data().resolve(file), copies.resolve(file));
    }
    client.store().close();
    byte[] wal = Files.readAllBytes(copies.resolve("meanwhile.db-wal"));
    Seeds.check(20, random -> garbled(copies, wal, random));
  }

  private void garbled(Path copies, byte[] wal, SplittableRandom random) {
    byte[] bad = wal.clone();
    int at = random.nextInt(bad.length);
    if (random.nextBoolean()) {
      bad = java.util.Arrays.copyOf(bad, at);
    } else {
      for (int i = at; i < Math.min(bad.length, at + 100); i++) {
        bad[i] ^= (byte) (1 + random.nextInt(255));
      }
    }
    try {
      Files.deleteIfExists(data().resolve("meanwhile.db-shm"));
      Files.copy(
          copies.resolve("meanwhile.db"),
          data().resolve("meanwhile.db"),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      Files.write(data().resolve("meanwhile.db-wal"), bad);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    var client = open();
    List<StoredRun> left = client.list(new Store.Query(null, null, null, null, 1000));
    for (StoredRun run : left) {
      assertThat(run.log().status()).isEqualTo("queued");
    }
    var ids = new TreeSet<String>();
    left.forEach(it -> ids.add(it.id()));
    for (int i = 0; i < 100; i++) {
      assertThat(ids.contains("run_r" + i))
          .as("the first %s are there", ids.size())
          .isEqualTo(i < ids.size());
    }
    assertThat(client.write(accept("new"))).isEqualTo(STORED);
    client.store().close();
  }

  // What was erased

  /// Runs whose bytes can be told from each other's, of sizes that make SQLite move them about.
  @Test
  void leaves_nothing_of_what_was_erased() {
    Seeds.check(2, this::erases);
  }

  private void erases(SplittableRandom random) {
    String seed = Long.toString(random.nextLong() & 0xffff, 36);
    var client = open();
    fill(client, seed, random);
    var answers = new ArrayList<StoreClient.Answer<Outcome>>();
    var gone = new TreeSet<Integer>();
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < RUNS / 6; i++) {
        int which = random.nextInt(RUNS);
        gone.add(which);
        answers.add(client.later(new Change.Erased("run_" + name(seed, which))));
        if (i % 3 == 0) {
          answers.add(client.later(accept(seed + "-new-" + round + "-" + i)));
        }
      }
      answers.forEach(it -> assertThat(it.now()).isEqualTo(STORED));
      assertThat(marksOf(seed, gone)).as("what is left in round %s", round).isEmpty();
    }
    // Also later, when pages that were in memory are written again.
    for (int i = 0; i < RUNS; i++) {
      answers.add(client.later(accept(seed + "-late-" + i)));
    }
    answers.forEach(it -> assertThat(it.now()).isEqualTo(STORED));
    assertThat(marksOf(seed, gone)).as("what is left after more was written").isEmpty();
    client.store().close();
    assertThat(marksOf(seed, gone)).as("what is left after the end").isEmpty();
  }

  /// The process before was killed after it had deleted a run and before it had overwritten a copy
  /// that SQLite had left in the unused middle of a page.
  @Test
  void finishes_what_the_process_before_could_not() throws IOException, SQLException {
    var before = open();
    for (int i = 0; i < 20; i++) {
      assertThat(before.write(accept("r" + i))).isEqualTo(STORED);
    }
    before.store().close();
    Path file = data().resolve("meanwhile.db");
    try (Connection connection = Sqlite.config().createConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      statement.execute("insert into constant values ('" + Checkpoints.UNFINISHED + "', x'')");
    }
    byte[] bytes = Files.readAllBytes(file);
    int planted = 0;
    for (int page = 4096; page < bytes.length; page += 4096) {
      int content = (bytes[page + 5] & 0xff) << 8 | bytes[page + 6] & 0xff;
      if ((bytes[page] == 10 || bytes[page] == 13) && content > 1000) {
        byte[] copy = "<seed-1.>".getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(copy, 0, bytes, page + content - copy.length, copy.length);
        planted++;
      }
    }
    Files.write(file, bytes);
    assertThat(planted).isGreaterThan(5);
    assertThat(marksOf("seed", Set.of(1))).containsExactly(1);
    var after = open();
    assertThat(after.claim(100)).hasSize(20);
    after.store().close();
    assertThat(marksOf("seed", Set.of(1))).isEmpty();
    open().store().close();
  }

  private static void fill(StoreClient client, String seed, SplittableRandom random) {
    var answers = new ArrayList<StoreClient.Answer<Outcome>>();
    for (int i = 0; i < RUNS; i++) {
      String name = name(seed, i);
      answers.add(client.later(marked(name, random)));
      answers.add(client.later(started(name, 1)));
      String earlier = name(seed, Math.max(0, i - random.nextInt(40)));
      for (int number = 0; number < 3; number++) {
        answers.add(
            client.later(
                new Change.Checkpoint(
                    "log_" + earlier,
                    1,
                    new Piece(100 * i + number, 1, mark(earlier, random, 700)),
                    mark(earlier, random, 200))));
      }
    }
    for (int i = 0; i < RUNS; i++) {
      answers.add(client.later(completed(name(seed, i), 1, 5_000 + random.nextInt(1000))));
    }
    answers.forEach(it -> assertThat(it.now()).isEqualTo(STORED));
  }

  /// The full stop shows where the number ends, whatever follows in the file.
  private static String name(String seed, int number) {
    return seed + "-" + number + ".";
  }

  private static Change.Accept marked(String name, SplittableRandom random) {
    var log =
        new StoredLog(
            "log_" + name,
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
            mark(name, random, random.nextInt(20) == 0 ? 20_000 : 500),
            null,
            null);
    return new Change.Accept(
        new StoredRun("run_" + name, log, "shop", mark(name, random, 400), 1, 0, 0, false),
        log,
        null);
  }

  private static byte[] mark(String name, SplittableRandom random, int most) {
    String once = "<" + name + ">";
    return once.repeat(1 + random.nextInt(most) / once.length())
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  /// Which of these can be found in any file.
  private Set<Integer> marksOf(String seed, Set<Integer> gone) {
    var found = new TreeSet<Integer>();
    try (var files = Files.list(data())) {
      for (Path file : files.toList()) {
        String all = Files.readString(file, StandardCharsets.ISO_8859_1);
        for (String before : List.of("<" + seed + "-", "run_" + seed + "-", "log_" + seed + "-")) {
          for (int at = all.indexOf(before); at >= 0; at = all.indexOf(before, at + 1)) {
            int from = at + before.length();
            int to = from;
            while (to < all.length() && Character.isDigit(all.charAt(to))) {
              to++;
            }
            if (all.startsWith(".", to)
                && gone.contains(Integer.parseInt(all.substring(from, to)))) {
              found.add(Integer.parseInt(all.substring(from, to)));
            }
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }
}
