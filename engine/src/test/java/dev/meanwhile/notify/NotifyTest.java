package dev.meanwhile.notify;

import static dev.meanwhile.testkit.StoreSamples.accept;
import static dev.meanwhile.testkit.StoreSamples.completed;
import static dev.meanwhile.testkit.StoreSamples.endpoint;
import static dev.meanwhile.testkit.StoreSamples.mailing;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.testkit.MemoryStore;
import dev.meanwhile.testkit.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// In virtual time, over the store in memory.
class NotifyTest {
  private static final Sender.Answer OK = new Sender.Answer(Sender.Kind.ARRIVED, 200, "200", null);
  private static final Sender.Answer FAILED =
      new Sender.Answer(Sender.Kind.FAILED, 500, "500", null);

  private final VirtualClock clock = new VirtualClock();
  private final MemoryStore.Disk disk = new MemoryStore.Disk();
  private final List<String> sent = new ArrayList<>();
  private final List<Long> times = new ArrayList<>();

  /// What the world answers; null: never.
  private Function<Store.Due, Sender.@Nullable Answer> world = _ -> OK;

  private final Map<String, Consumer<Sender.Answer>> open = new HashMap<>();
  private final List<String> givenUp = new ArrayList<>();
  private final Sender sender =
      new Sender() {
        @Override
        public void send(Store.Due due, Consumer<Answer> done) {
          NotifyTest.this.send(due, done);
        }

        @Override
        public void gaveUp(Store.Due due, Answer last) {
          givenUp.add(due.notice().event() + " " + last.text());
        }
      };
  private MemoryStore store = opened();
  private Notify notify = started();

  private MemoryStore opened() {
    var made = new MemoryStore(disk, "one", step -> clock.after(Duration.ZERO, step));
    made.open(
        new Store.Listener() {
          @Override
          public void purged(List<Purge> purges, long last) {}

          @Override
          public void cancelRequested(String run) {}

          @Override
          public void leaseLost() {}

          @Override
          public void claimable() {}

          @Override
          public void lines() {}

          @Override
          public void changed(Collection<Channel> channels) {}

          @Override
          public void due() {
            notify.due();
          }
        });
    return made;
  }

  private Notify started() {
    return new Notify(clock, store, sender, 3, () -> 0.5);
  }

  private void send(Store.Due due, Consumer<Sender.Answer> done) {
    sent.add(due.notice().event());
    times.add(clock.millis());
    Sender.Answer answer = world.apply(due);
    if (answer == null) {
      open.put(due.notice().event(), done);
    } else {
      clock.after(Duration.ofMillis(100), () -> done.accept(answer));
    }
  }

  private void write(Change... changes) {
    for (Change change : changes) {
      store.write(change, _ -> {});
    }
    clock.pass(Duration.ofMillis(1));
  }

  private void end(String... runs) {
    for (String run : runs) {
      write(accept(run), completed(run, 0, clock.millis()));
    }
  }

  private Notice notice() {
    return disk.notices().getFirst();
  }

  @Test
  void tellsOfAnEndAtOnceAndOnce() {
    write(new Change.Registered(endpoint("whe_x", "shop", "completed")));
    end("a", "b");
    clock.pass(Duration.ofDays(10));
    assertThat(sent).containsExactly("evt_a", "evt_b");
    assertThat(disk.notices()).allMatch(Notice::arrived).allMatch(it -> it.tries() == 1);
  }

  @Test
  void triesForThreeDaysUnderOneId() {
    world = _ -> FAILED;
    write(new Change.Registered(endpoint("whe_x", "shop", "completed")));
    end("a");
    clock.pass(Duration.ofDays(10));
    assertThat(sent).hasSize(10).containsOnly("evt_a");
    var pauses = new ArrayList<Long>();
    for (int i = 1; i < times.size(); i++) {
      // Each pause begins when a try has failed, and ends within a second.
      pauses.add((times.get(i) - times.get(i - 1) - 100) / 1_000);
    }
    assertThat(pauses)
        .zipSatisfy(
            List.of(5L, 300L, 1_800L, 7_200L, 18_000L, 36_000L, 50_400L, 72_000L, 86_400L),
            (is, wanted) -> assertThat(is).isBetween(wanted, wanted + 1));
    assertThat(notice().due()).isZero();
    assertThat(notice().arrived()).isFalse();
    assertThat(notice().result()).isEqualTo("500");
    assertThat(givenUp).containsExactly("evt_a 500");
    assertThat(clock.timers()).isZero();
  }

  @Test
  void stopsAtAnEndpointThatIsGone() {
    world = _ -> new Sender.Answer(Sender.Kind.GONE, 410, "410", null);
    write(new Change.Registered(endpoint("whe_x", "shop", "completed")));
    end("a", "b");
    clock.pass(Duration.ofDays(10));
    end("c");
    clock.pass(Duration.ofDays(10));
    assertThat(sent).doesNotContain("evt_c").doesNotHaveDuplicates();
    assertThat(notice().result()).isEqualTo("410");
    assertThat(disk.notices()).allMatch(it -> it.due() == 0 && !it.arrived());
  }

  @Test
  void waitsAsLongAsItIsAsked() {
    world =
        due ->
            due.notice().tries() > 0
                ? OK
                : new Sender.Answer(Sender.Kind.FAILED, 503, "503", Duration.ofMinutes(2));
    write(new Change.Registered(endpoint("whe_x", "shop", "completed")));
    end("a");
    clock.pass(Duration.ofSeconds(119));
    assertThat(sent).hasSize(1);
    clock.pass(Duration.ofSeconds(3));
    assertThat(sent).hasSize(2);
    assertThat(notice().arrived()).isTrue();
  }

  @Test
  void aSlowEndpointDelaysNobodyElse() {
    world = due -> due.notice().endpoint().equals("whe_slow") ? null : OK;
    write(
        new Change.Registered(endpoint("whe_slow", "shop", "completed")),
        new Change.Registered(endpoint("whe_fast", "shop", "completed")));
    var runs = new String[200];
    for (int i = 0; i < runs.length; i++) {
      runs[i] = "r%03d".formatted(i);
    }
    end(runs);
    clock.pass(Duration.ofSeconds(10));
    assertThat(disk.notices().stream().filter(Notice::arrived)).hasSize(200);
    assertThat(open.size()).as("at a time").isLessThanOrEqualTo(32).isPositive();
  }

  @Test
  void losesNothingWhenItIsKilled() {
    write(new Change.Registered(endpoint("whe_x", "shop", "completed")));
    arrivesOverKills(new Random(11), (_, run) -> end(run));
  }

  /// All of it arrives in the end, in a world that fails half of the time, over twenty kills.
  private void arrivesOverKills(Random random, BiConsumer<Random, String> ending) {
    for (int life = 0; life < 20; life++) {
      world =
          _ ->
              switch (random.nextInt(4)) {
                case 0 -> null;
                case 1 -> FAILED;
                default -> OK;
              };
      for (int i = 0; i < 10; i++) {
        ending.accept(random, "r%02d%02d".formatted(life, i));
        clock.pass(Duration.ofMillis(random.nextInt(200)));
      }
      store.die(random.nextInt(3));
      notify.stop();
      store = opened();
      notify = started();
      notify.due();
    }
    world = _ -> OK;
    for (int i = 0; i < 800; i++) {
      // As the store's timetable does.
      notify.due();
      clock.pass(Duration.ofMinutes(10));
    }
    assertThat(disk.notices()).isNotEmpty().allMatch(Notice::arrived);
    assertThat(sent).containsAll(disk.notices().stream().map(Notice::event).toList());
  }

  private static final String ANN = "mailto:ann@example.com";
  private static final String BOB = "mailto:bob@example.com";

  private void endMailing(String to, String... runs) {
    for (String run : runs) {
      write(mailing(run, to), completed(run, 0, clock.millis()));
    }
  }

  /// As the store's timetable does, every 10 s.
  private void pass(Duration time) {
    for (long left = time.toSeconds(); left > 0; left -= 10) {
      notify.due();
      clock.pass(Duration.ofSeconds(10));
    }
  }

  @Test
  void sendsSoManyMailsToOneWithinAnHourAndTheOthersInTheirTurn() {
    // It is 3 an hour here.
    endMailing(ANN, "a", "b", "c", "d", "e", "f", "g");
    endMailing(BOB, "x");
    pass(Duration.ofMinutes(59));
    assertThat(sent).containsExactlyInAnyOrder("evt_a", "evt_b", "evt_c", "evt_x");
    pass(Duration.ofMinutes(2));
    assertThat(sent).hasSize(7).endsWith("evt_d", "evt_e", "evt_f");
    pass(Duration.ofMinutes(61));
    assertThat(sent).hasSize(8).endsWith("evt_g");
    assertThat(disk.notices()).allMatch(Notice::arrived).allMatch(it -> it.tries() == 1);
  }

  @Test
  void triesAMailOnTheSameScheduleUnderOneId() {
    world = due -> due.notice().tries() < 4 ? FAILED : OK;
    endMailing(ANN, "a");
    pass(Duration.ofHours(3));
    assertThat(sent).hasSize(5).containsOnly("evt_a");
    assertThat(notice().arrived()).isTrue();
    assertThat(givenUp).isEmpty();
  }

  @Test
  void givesUpWhatIsRefusedAndNothingElse() {
    world =
        due ->
            due.notice().event().equals("evt_a")
                ? new Sender.Answer(Sender.Kind.REFUSED, 550, "no such mailbox", null)
                : OK;
    endMailing(ANN, "a", "b");
    pass(Duration.ofMinutes(1));
    assertThat(sent).containsExactly("evt_a", "evt_b");
    assertThat(givenUp).containsExactly("evt_a no such mailbox");
    assertThat(disk.notices())
        .extracting(Notice::due, Notice::arrived)
        .containsExactly(tuple(0L, false), tuple(0L, true));
  }

  @Test
  void losesNoMailWhenItIsKilled() {
    arrivesOverKills(
        new Random(13),
        (random, run) -> endMailing("mailto:%d@example.com".formatted(random.nextInt(20)), run));
  }

  @Test
  void sendsNothingOnceItIsStopped() {
    world = _ -> FAILED;
    write(new Change.Registered(endpoint("whe_x", "shop", "completed")));
    end("a");
    clock.pass(Duration.ofSeconds(1));
    notify.stop();
    end("b");
    clock.pass(Duration.ofDays(1));
    assertThat(sent).containsExactly("evt_a");
    assertThat(notice().due()).as("left to the next process").isPositive();
  }
}
