package dev.meanwhile.store.jdbc;

import static dev.meanwhile.testkit.StoreSamples.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.Entries.Entry;
import dev.meanwhile.store.Entries.Mark;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store.Query;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.StoredAnswer;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.StoreClient;
import dev.meanwhile.testkit.StoreSamples;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Any sequence of changes has the same outcomes and leaves the same as in maps.
class ModelTest {
  private static final int HISTORIES = Integer.getInteger("histories", 24);
  private static final int STEPS = 150;
  private static final Retention RETENTION =
      new Retention(Duration.ofMillis(30), Duration.ofMillis(60), Long.MAX_VALUE);

  @TempDir(factory = InMemory.class)
  Path directory = Path.of("");

  @Test
  void sqlite_does_what_maps_do() {
    var count = new AtomicInteger();
    Seeds.check(
        HISTORIES,
        random -> {
          Path data = directory.resolve("data" + count.incrementAndGet());
          var millis = new AtomicLong(1_000);
          new History(
                  random,
                  millis,
                  () ->
                      Stores.make(
                          new StoreSettings.InDirectory(data, RETENTION, 1),
                          Lease.LENGTH,
                          new SettableTime(millis)))
              .run();
        });
  }

  @Test
  void postgres_does_what_maps_do() {
    Seeds.check(
        HISTORIES / 4,
        random -> {
          try {
            String url = Databases.create();
            var millis = new AtomicLong(1_000);
            new History(
                    random,
                    millis,
                    () -> Databases.store(url, "one", RETENTION, new SettableTime(millis)))
                .run();
            Databases.drop(url);
          } catch (SQLException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  /// One sequence, given to both.
  private static final class History {
    private final SplittableRandom random;
    private final AtomicLong millis;
    private final Supplier<JdbcStore> make;
    private final ModelStore.Data data = new ModelStore.Data();
    private final List<String> told = new ArrayList<>();
    private JdbcStore store;
    private StoreClient real;
    private ModelStore maps;
    private StoreClient model;

    History(SplittableRandom random, AtomicLong millis, Supplier<JdbcStore> make) {
      this.random = random;
      this.millis = millis;
      this.make = make;
      store = make.get();
      real = new StoreClient(store).open();
      maps = new ModelStore(data, RETENTION, millis::get, Runnable::run);
      model = new StoreClient(maps).open();
    }

    private void reopen() {
      store.close();
      maps.close();
      store = make.get();
      real = new StoreClient(store).open();
      maps = new ModelStore(data, RETENTION, millis::get, Runnable::run);
      model = new StoreClient(maps).open();
    }

    void run() {
      for (int step = 0; step < STEPS; step++) {
        millis.addAndGet(random.nextInt(3));
        switch (random.nextInt(12)) {
          case 0 -> {
            told.add("reopen");
            reopen();
          }
          case 1 -> {
            int most = 1 + random.nextInt(3);
            told.add("claim " + most);
            same(real.claim(most), model.claim(most));
          }
          case 2 -> {
            told.add("retain");
            store.retain();
            maps.retain();
          }
          default -> write();
        }
        compare();
      }
      store.close();
    }

    /// Some changes at once.
    private void write() {
      var answers = new ArrayList<StoreClient.Answer<Outcome>>();
      var expected = new ArrayList<Outcome>();
      for (int i = random.nextInt(12); i >= 0; i--) {
        Change change = change();
        told.add(text(change));
        answers.add(real.later(change));
        expected.add(model.write(change));
      }
      same(answers.stream().map(StoreClient.Answer::now).toList(), expected);
    }

    private Change change() {
      String log = name("log_", 4);
      String run = name("run_", 6);
      int attempt = random.nextInt(4);
      return switch (random.nextInt(17)) {
        case 0, 1, 2 -> {
          StoredLog sent = log(log);
          yield new Change.Accept(
              new StoredRun(
                  run, sent, name("tenant", 2), bytes("about"), millis.get(), 0, 0, false),
              random.nextInt(4) == 0 ? null : sent,
              random.nextInt(3) == 0 ? StoreSamples.key(name("key", 2)) : null,
              Told.NOBODY,
              random.nextInt(3) == 0 ? new Label(name("channel", 2), "title") : null,
              "responses",
              random.nextInt(4) == 0,
              random.nextBoolean() ? 0 : millis.get() + random.nextInt(40));
        }
        case 3, 4, 5 -> new Change.Started(log, attempt, millis.get());
        case 6, 7 -> new Change.Checkpoint(log, attempt, piece(), maybe("head"));
        case 8 ->
            random.nextInt(4) == 0
                ? new Change.Named(log, attempt, name("resp_", 3))
                : new Change.Requeued(log, attempt, millis.get());
        case 9 ->
            new Change.Ended(
                log,
                attempt,
                Seeds.pick(random, "completed", "failed", "incomplete", "cancelled"),
                millis.get(),
                random.nextBoolean() ? piece() : null,
                maybe("head"),
                bytes("terminal"),
                random.nextBoolean());
        // A cut is told by its time: two at the same time are taken for the same.
        case 10 -> new Change.Cut(log, attempt, run, random.nextInt(9), millis.incrementAndGet());
        case 11 -> new Change.CancelRequested(run);
        case 12 -> new Change.Released(List.of(log, name("log_", 4)));
        case 13, 14 -> new Change.Kept(answer());
        case 15 ->
            new Change.Purged(
                random.nextBoolean()
                    ? name("tag", 3)
                    : random.nextInt(4) == 0 ? Purge.ALL : Purge.ofKey(asked(random.nextInt(3))));
        default -> new Change.Erased(run);
      };
    }

    private StoredAnswer answer() {
      int which = random.nextInt(3);
      return new StoredAnswer(
          asked(which),
          // One of each run: else it would be open which of them an erased one has purged first.
          "run_" + which,
          Math.max(0, model.lastPurge() - random.nextInt(3)),
          millis.get() - random.nextInt(3),
          millis.get() + random.nextInt(60),
          List.of(name("tag", 3), name("tag", 3)),
          bytes("answer " + random.nextInt(100)));
    }

    private static byte[] asked(int which) {
      return StoreSamples.digest("asked " + which);
    }

    private StoredLog log(String id) {
      return new StoredLog(
          id,
          "shop",
          "openai",
          random.nextInt(3),
          // All different, so that there is one order only.
          millis.addAndGet(1),
          0,
          0,
          0,
          "queued",
          0,
          0,
          bytes("request"),
          null,
          null);
    }

    private Piece piece() {
      int number = random.nextInt(4);
      return new Piece(number, 10 * number + 1, bytes("piece " + random.nextInt(100)));
    }

    private byte @Nullable [] maybe(String text) {
      return random.nextInt(3) == 0 ? bytes(text + random.nextInt(9)) : null;
    }

    private String name(String kind, int count) {
      return kind + random.nextInt(count);
    }

    private void compare() {
      var all = new Query(null, null, null, null, 1000);
      same(real.list(all), model.list(all));
      var some =
          new Query(
              random.nextBoolean() ? name("tenant", 2) : null,
              random.nextBoolean()
                  ? Seeds.pick(random, "queued", "in_progress", "completed", "cancelled", "failed")
                  : null,
              random.nextBoolean() ? millis.get() - random.nextInt(40) : null,
              random.nextBoolean() ? name("run_", 6) : null,
              1 + random.nextInt(3));
      same(real.list(some), model.list(some));
      String run = name("run_", 6);
      StoredRun found = real.find(run);
      same(found == null ? "nothing" : found, orNothing(model.find(run)));
      if (found != null) {
        String log = found.log().id();
        int from = random.nextInt(3);
        same(real.pieces(log, from), model.pieces(log, from));
      }
      byte[] key = StoreSamples.key(name("key", 2)).key();
      same(orNothing(real.findKey(key)), orNothing(model.findKey(key)));
      byte[] asked = asked(random.nextInt(3));
      long at = millis.get() + random.nextInt(30);
      same(orNothing(real.answer(asked, at)), orNothing(model.answer(asked, at)));
      same(real.lastPurge(), model.lastPurge());
      var channel = new Channel(name("tenant", 2), name("channel", 2));
      same(states(real, channel), states(model, channel));
    }

    /// Without their numbers, which depend on how changes are grouped.
    private static List<Entry> states(StoreClient of, Channel channel) {
      Entries entries = of.entries(channel, Mark.BEGINNING, 1_000);
      assertThat(entries.entries()).isSortedAccordingTo(Comparator.comparingLong(Entry::number));
      assertThat(entries.entries()).allMatch(it -> it.number() > 0);
      return entries.entries().stream()
          .map(it ->
              new Entry(
                  0, it.run(), it.title(), it.status(), it.createdAt(), it.endedAt(), it.late()))
          .sorted(Comparator.comparing(Entry::run))
          .toList();
    }

    private static Object orNothing(@Nullable Object it) {
      return it == null ? "nothing" : it;
    }

    private void same(Object actual, Object expected) {
      String is = text(actual);
      String should = text(expected);
      if (!is.equals(should)) {
        assertThat(is).as(() -> String.join("\n", told)).isEqualTo(should);
      }
    }

    /// All of it, also what is in arrays.
    private static String text(@Nullable Object it) {
      return switch (it) {
        case null -> "null";
        case byte[] some -> new String(some, StandardCharsets.ISO_8859_1);
        case List<?> list -> list.stream().map(History::text).toList().toString();
        case Record record -> {
          var text = new StringBuilder(record.getClass().getSimpleName());
          for (RecordComponent component : record.getClass().getRecordComponents()) {
            try {
              Object value = component.getAccessor().invoke(record);
              text.append(' ').append(component.getName()).append('=').append(text(value));
            } catch (ReflectiveOperationException e) {
              throw new IllegalStateException(e);
            }
          }
          yield text.append(';').toString();
        }
        case Object other -> other.toString();
      };
    }
  }
}
