package dev.meanwhile.dispatch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.Freshness;
import dev.meanwhile.cache.Hit;
import dev.meanwhile.dispatch.Bench.Ask;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.testkit.MemoryStore;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Answers that are given again after a restart, and on other nodes.
class ShelfTest {
  private static final Duration NONE = Duration.ZERO;
  private static final Duration HOUR = Duration.ofHours(1);

  private final MemoryStore.Disk disk = new MemoryStore.Disk();
  private final ArrayDeque<Runnable> steps = new ArrayDeque<>();
  private MemoryStore store = store("a");
  private Bench bench = bench(store);

  private MemoryStore store(String node) {
    return new MemoryStore(
        disk,
        node,
        new MemoryStore.Schedule() {
          @Override
          public void later(Runnable step) {
            steps.add(step);
          }

          @Override
          public long millis() {
            return bench.clock.millis();
          }
        });
  }

  private static Bench bench(MemoryStore of) {
    return new Bench(
        new Meanwhile.Settings(
            1, 8 << 20, 100, HOUR, 1 << 20, 32 << 20, HOUR, HOUR, _ -> new Queue(4, 1_000)),
        of);
  }

  /// The process ends, and another begins.
  private void restart() {
    go();
    store.close();
    go();
    store = store("a");
    bench = bench(store);
  }

  /// Does all that the store has to do.
  private void go() {
    for (Runnable step = steps.poll(); step != null; step = steps.poll()) {
      step.run();
    }
  }

  private static Caching caching(Duration whileRevalidate, Duration ifError) {
    return new Caching(
        Bench.SAME,
        new Freshness(HOUR, whileRevalidate, ifError, Duration.ofMinutes(1)),
        Set.of("shop"));
  }

  private static final Caching CACHING = caching(NONE, NONE);

  /// Asks, and has the store look.
  private Run ask(Ask ask) {
    var run = bench.tryAccept(ask);
    go();
    return Objects.requireNonNull(run == null ? bench.later() : run, () -> "" + bench.refusal);
  }

  private Run ask() {
    return ask(Ask.plain().cached(CACHING));
  }

  private static String text(Run run) {
    return new String(run.bytes(run.start(), run.end()), UTF_8);
  }

  private static void answer(Bench of, String text) {
    var call = of.upstream.last();
    call.connect();
    call.head(new Head(200, false, "x-a: b\n"));
    call.say(Kind.ANSWER, text);
    call.end(Terminal.COMPLETED);
  }

  private int calls() {
    return bench.upstream.calls().size();
  }

  private Hit hit() {
    return Objects.requireNonNull(bench.hit, "nothing was found");
  }

  private int looks() {
    return disk.tally().getOrDefault("looks", 0);
  }

  @Test
  void an_answer_is_found_after_a_restart_when_it_is_asked_for() {
    Run first = ask();
    answer(bench, "ten");
    restart();
    bench.clock.pass(Duration.ofMinutes(10));
    int before = looks();
    Run again = ask();
    assertThat(text(again)).isEqualTo("ten");
    assertThat(again.id()).isEqualTo(first.id());
    assertThat(again.terminal()).isEqualTo(Terminal.COMPLETED);
    assertThat(Objects.requireNonNull(again.head()).fields()).isEqualTo("x-a: b\n");
    assertThat(hit().stored()).isTrue();
    assertThat(hit().age()).isEqualTo(600_000);
    assertThat(looks()).isEqualTo(before + 1);
    assertThat(text(ask())).isEqualTo("ten");
    assertThat(hit().stored()).as("it is in memory now").isFalse();
    assertThat(looks()).isEqualTo(before + 1);
    assertThat(calls()).isZero();
    bench.clock.pass(HOUR);
    ask();
    assertThat(bench.hit).isNull();
    assertThat(calls()).isEqualTo(1);
  }

  @Test
  void a_start_looks_for_nothing() {
    ask();
    answer(bench, "ten");
    int before = looks();
    restart();
    bench.engine.recover();
    go();
    bench.clock.pass(HOUR);
    go();
    assertThat(looks()).isEqualTo(before);
  }

  @Test
  void a_stream_is_found_with_all_its_events() {
    bench.tryAccept(Ask.stream().withoutUsage().cached(CACHING));
    go();
    bench.upstream.last().stream();
    for (int i = 0; i < 300; i++) {
      bench.upstream.last().say(Kind.CONTENT, "data: " + i + "\n\n");
    }
    bench.upstream.last().end(Terminal.COMPLETED);
    restart();
    Run again = ask(Ask.stream().withoutUsage().cached(CACHING));
    assertThat(hit().stored()).isTrue();
    assertThat(again.end()).isEqualTo(300);
    assertThat(text(again)).startsWith("data: 0\n\n").endsWith("data: 299\n\n");
    assertThat(again.kind(299)).isEqualTo(Kind.CONTENT);
    ask();
    assertThat(bench.hit).as("it lacks the usage that a plain caller wants").isNull();
    assertThat(calls()).isEqualTo(1);
  }

  @Test
  void a_refusal_is_found_for_as_long_as_it_may_be() {
    ask();
    var call = bench.upstream.last();
    call.connect();
    call.head(new Head(404, false, ""));
    call.say(Kind.ANSWER, "no");
    call.end(Terminal.failed(new Failure(404, "upstream_error", "no")));
    restart();
    Run again = ask();
    assertThat(again.status()).isEqualTo(Status.FAILED);
    assertThat(text(again)).isEqualTo("no");
    assertThat(calls()).isZero();
  }

  @Test
  void many_who_ask_at_once_make_one_look_and_one_call() {
    for (int i = 0; i < 50; i++) {
      assertThat(bench.tryAccept(Ask.plain().cached(CACHING))).isNull();
    }
    assertThat(looks()).isEqualTo(1);
    assertThat(calls()).isZero();
    go();
    assertThat(bench.accepted).hasSize(50);
    assertThat(calls()).isEqualTo(1);
    bench.tryAccept(Ask.plain().cached(CACHING));
    assertThat(looks()).as("it is being made").isEqualTo(1);
    answer(bench, "one");
    assertThat(bench.accepted).hasSize(51).allMatch(run -> text(run).equals("one"));
  }

  @Test
  void what_is_cached_only_may_be_in_the_store() {
    ask();
    answer(bench, "ten");
    restart();
    var only =
        new Caching(
            CACHING.key(), CACHING.freshness(), CACHING.tags(), true, true, null, NONE, NONE);
    assertThat(text(ask(Ask.plain().cached(only)))).isEqualTo("ten");
    bench.engine.purge(Bench.SAME, _ -> {});
    go();
    bench.tryAccept(Ask.plain().cached(only));
    go();
    assertThat(Objects.requireNonNull(bench.refusal).code()).isEqualTo("not_cached");
  }

  @Test
  void whoever_wants_a_new_one_does_not_look() {
    var fresh =
        new Caching(
            CACHING.key(), CACHING.freshness(), CACHING.tags(), false, false, null, NONE, NONE);
    assertThat(bench.tryAccept(Ask.plain().cached(fresh))).isNotNull();
    assertThat(looks()).isZero();
  }

  @Test
  void a_spare_is_found_after_a_restart() {
    Caching how = caching(NONE, HOUR.multipliedBy(3));
    ask(Ask.plain().cached(how));
    answer(bench, "old");
    restart();
    bench.clock.pass(Duration.ofMinutes(70));
    ask(Ask.plain().cached(how));
    assertThat(bench.hit).as("a call is made").isNull();
    assertThat(calls()).isEqualTo(1);
    bench.upstream.last().end(Terminal.failed(new Failure(503, "x", "x")));
    assertThat(bench.spare(Ask.plain().cached(how))).isTrue();
  }

  @Test
  void a_store_that_says_nothing_is_waited_for_for_a_moment_and_then_not_asked() {
    bench.tryAccept(Ask.plain().cached(CACHING));
    bench.clock.pass(Shelf.PATIENCE.minusMillis(1));
    assertThat(calls()).isZero();
    bench.clock.pass(Duration.ofMillis(1));
    assertThat(calls()).isEqualTo(1);
    bench.tryAccept(Ask.plain().cached(CACHING).alone());
    assertThat(calls()).as("at once").isEqualTo(2);
    assertThat(looks()).isEqualTo(1);
    go();
    assertThat(bench.accepted).hasSize(2);
    bench.clock.pass(Shelf.QUIET);
    bench.tryAccept(Ask.plain().cached(CACHING).alone());
    assertThat(calls()).isEqualTo(2);
    go();
    assertThat(calls()).isEqualTo(3);
    assertThat(looks()).isEqualTo(2);
    assertThat(bench.accepted).hasSize(3);
  }

  @Test
  void a_store_in_trouble_refuses_nobody() {
    store.unreadable(true);
    store.trouble("the disk is full");
    ask();
    assertThat(calls()).isEqualTo(1);
    answer(bench, "one");
    go();
    assertThat(text(ask())).as("from memory").isEqualTo("one");
    var outcomes = new ArrayList<Outcome>();
    bench.engine.purge("shop", outcomes::add);
    go();
    assertThat(outcomes).hasSize(1).first().isInstanceOf(Outcome.Refused.class);
    store.unreadable(false);
    store.trouble(null);
    bench.clock.pass(Shelf.QUIET);
    restart();
    ask();
    assertThat(bench.hit).as("it was never stored").isNull();
  }

  @Test
  void a_node_that_hears_of_no_purges_gives_nothing_until_it_does() {
    ask();
    answer(bench, "one");
    go();
    store.deaf(true);
    ask(Ask.plain().cached(CACHING).alone());
    assertThat(bench.hit).isNull();
    Run second = ask(Ask.plain().cached(CACHING).alone());
    assertThat(calls()).isEqualTo(3);
    assertThat(bench.hit).isNull();
    answer(bench, "two");
    assertThat(text(second)).isEqualTo("two");
    store.deaf(false);
    assertThat(text(ask())).isEqualTo("two");
    assertThat(hit().stored()).isFalse();
  }

  @Test
  void a_damaged_answer_is_made_anew() {
    ask();
    answer(bench, "ten");
    go();
    var stored = Objects.requireNonNull(disk.answer(Bench.SAME.bytes(), bench.clock.millis()));
    for (int i = 0; i < stored.log().length; i += 7) {
      stored.log()[i] ^= 0x55;
    }
    restart();
    ask();
    assertThat(bench.hit).isNull();
    assertThat(calls()).isEqualTo(1);
  }

  @Test
  void what_is_very_large_stays_in_memory() {
    ask();
    answer(bench, "x".repeat((2 << 20) + 1));
    go();
    assertThat(disk.tally()).doesNotContainKey("Kept");
    assertThat(ask().end()).isEqualTo(1);
    assertThat(hit().stored()).isFalse();
  }

  @Test
  void an_erased_run_is_not_given_again() {
    Run run = ask();
    answer(bench, "secret");
    go();
    bench.dispatcher.erase(run, _ -> {});
    go();
    assertThat(disk.answer(Bench.SAME.bytes(), bench.clock.millis())).isNull();
    ask();
    assertThat(bench.hit).isNull();
  }

  @Test
  void a_purge_holds_after_a_restart_and_what_is_asked_after_it_is_kept() {
    ask();
    answer(bench, "old");
    bench.engine.purge("shop", _ -> {});
    restart();
    ask();
    assertThat(bench.hit).isNull();
    answer(bench, "new");
    restart();
    assertThat(text(ask())).isEqualTo("new");
  }

  private final Map<String, Integer> tally = disk.tally();

  @Test
  void of_two_nodes_one_makes_a_stale_answer_anew_and_the_other_finds_it() {
    Caching how = caching(HOUR.multipliedBy(9), NONE);
    Bench other = bench(store("b"));
    other.clock.pass(NONE);
    ask(Ask.plain().cached(how));
    answer(bench, "old");
    go();
    other.tryAccept(Ask.plain().cached(how));
    go();
    assertThat(text(Objects.requireNonNull(other.later()))).isEqualTo("old");
    for (Bench each : new Bench[] {bench, other}) {
      each.clock.pass(Duration.ofMinutes(61));
    }
    for (int i = 0; i < 200; i++) {
      Bench asked = i % 2 == 0 ? bench : other;
      Run run = Objects.requireNonNull(asked.tryAccept(Ask.plain().cached(how)));
      assertThat(text(run)).isEqualTo("old");
      go();
      bench.upstream.last().connect();
      // Within the time that one has for it.
      bench.clock.pass(Duration.ofMillis(100));
      other.clock.pass(Duration.ofMillis(100));
    }
    assertThat(bench.upstream.calls()).hasSize(2);
    assertThat(other.upstream.calls()).isEmpty();
    assertThat(tally.get("leases")).as("not asked for with each call").isLessThan(50);
    answer(bench, "new");
    go();
    other.clock.pass(Shelf.ROUND);
    other.tryAccept(Ask.plain().cached(how));
    go();
    assertThat(text(Objects.requireNonNull(other.tryAccept(Ask.plain().cached(how)))))
        .isEqualTo("new");
    assertThat(Objects.requireNonNull(other.hit).ttl()).isPositive();
    assertThat(other.upstream.calls()).isEmpty();
  }

  @Test
  void what_a_node_fails_to_make_anew_another_makes() {
    Caching how = caching(HOUR.multipliedBy(9), NONE);
    Bench other = bench(store("b"));
    ask(Ask.plain().cached(how));
    answer(bench, "old");
    go();
    for (Bench each : new Bench[] {bench, other}) {
      each.clock.pass(Duration.ofMinutes(61));
      each.tryAccept(Ask.plain().cached(how));
      go();
    }
    assertThat(bench.upstream.calls()).hasSize(2);
    assertThat(other.upstream.calls()).isEmpty();
    store.die(0);
    bench.clock.pass(Shelf.REFRESH);
    other.clock.pass(Shelf.REFRESH);
    other.tryAccept(Ask.plain().cached(how));
    go();
    assertThat(other.upstream.calls()).hasSize(1);
  }

  /// All that can be said of an answer by a purge in memory alone, more often than is remembered.
  @Test
  void a_change_of_many_tags_forgets_none() {
    ask();
    answer(bench, "old");
    bench.engine.purge("shop", _ -> {});
    go();
    for (int i = 0; i < 100_001; i++) {
      store.write(new Change.Purged("tag" + i), _ -> {});
    }
    go();
    ask();
    assertThat(bench.hit).isNull();
  }
}
