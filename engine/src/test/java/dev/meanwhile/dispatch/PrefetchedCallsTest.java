package dev.meanwhile.dispatch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.Freshness;
import dev.meanwhile.cache.Key;
import dev.meanwhile.dispatch.Bench.Ask;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.testkit.ScriptedUpstream;
import dev.meanwhile.testkit.Seeds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Answers that are made before anybody asks.
class PrefetchedCallsTest {
  private static final Duration NONE = Duration.ZERO;
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Failure DOWN = new Failure(503, "upstream_error", "down");

  private final Bench bench = new Bench();
  private final List<String> told = new ArrayList<>();

  private static Caching key(long number) {
    return new Caching(
        new Key(number, 0, 0, 0), new Freshness(HOUR, NONE, NONE, NONE), Set.of("shop"));
  }

  /// The same question as `key(number)` has, found by it alone.
  private static Submission question(long number) {
    Submission asked = Ask.plain().cached(key(number)).saying("q" + number).submission();
    return new Submission(
        asked.about(),
        asked.request(),
        asked.usage(),
        asked.clocks(),
        asked.onLeave(),
        asked.grace(),
        null,
        false,
        key(number).key(),
        asked.borrowed(),
        key(number),
        null,
        false,
        null);
  }

  private boolean prefetch(long number) {
    return bench.dispatcher.prefetch(
        question(number),
        new Dispatcher.Prefetched() {
          @Override
          public void unmade() {
            told.add("q" + number + " unmade");
          }

          @Override
          public void ended(RunLog log, long took) {
            told.add("q" + number + " " + log.status().word() + " in " + took / 1_000_000 + " ms");
          }
        });
  }

  private Run ask(long number) {
    var accepted = new ArrayList<Run>();
    bench.dispatcher.accept(
        question(number),
        new Dispatcher.Answer() {
          @Override
          public void accepted(Run run) {
            accepted.add(run);
          }

          @Override
          public void refused(Failure failure) {
            throw new AssertionError(failure.message());
          }
        });
    return accepted.getFirst();
  }

  private static void answer(ScriptedUpstream.Exchange call) {
    call.connect();
    call.head(new Head(200, false, ""));
    call.say(Kind.ANSWER, "ten");
    call.end(Terminal.COMPLETED);
  }

  private int calls() {
    return bench.upstream.calls().size();
  }

  private List<String> asked() {
    return bench.upstream.calls().stream()
        .map(call -> new String(call.request().body(), UTF_8))
        .toList();
  }

  @Test
  void fills_the_cache_for_the_first_who_asks() {
    assertThat(prefetch(1)).isTrue();
    assertThat(bench.engine.waitedFor()).as("nobody waits").isZero();
    bench.clock.pass(Duration.ofSeconds(2));
    answer(bench.upstream.last());
    assertThat(told).containsExactly("q1 completed in 2000 ms");
    assertThat(ask(1).terminal()).isEqualTo(Terminal.COMPLETED);
    assertThat(prefetch(1)).isFalse();
    assertThat(told).endsWith("q1 unmade");
    assertThat(calls()).isEqualTo(1);
    assertThat(bench.engine.queue("default").underWay()).isZero();
    bench.engine.purge("shop", _ -> {});
    assertThat(prefetch(1)).isTrue();
    assertThat(calls()).isEqualTo(2);
  }

  @Test
  void is_made_once_however_often_it_is_wanted() {
    ask(1);
    assertThat(prefetch(1)).as("somebody asks already").isTrue();
    prefetch(2);
    assertThat(prefetch(2)).isTrue();
    assertThat(calls()).isEqualTo(2);
    assertThat(told).containsExactly("q1 unmade", "q2 unmade");
  }

  @Test
  void takes_half_of_the_places_and_whoever_asks_does_not_wait_for_one() {
    for (int i = 1; i <= 10; i++) {
      prefetch(i);
    }
    assertThat(asked()).containsExactly("q1", "q2");
    Run asked = ask(7);
    assertThat(asked()).as("lifted").containsExactly("q1", "q2", "q7");
    answer(bench.upstream.last());
    assertThat(asked.terminal()).isEqualTo(Terminal.COMPLETED);
    assertThat(told).containsExactly("q7 completed in 0 ms");
    assertThat(asked()).as("it took no place").hasSize(3);
    ask(1);
    assertThat(asked()).as("one under way gives its place to the next").endsWith("q3").hasSize(4);
    answer(bench.upstream.calls().getFirst());
    assertThat(asked()).as("once").hasSize(4);
    assertThat(bench.engine.queue("default").underWay()).isEqualTo(2);
  }

  @Test
  void is_tried_again_until_somebody_waits_for_it() {
    prefetch(1);
    bench.upstream.last().connect();
    bench.upstream.last().end(Terminal.failed(DOWN));
    assertThat(told).isEmpty();
    bench.clock.pass(Duration.ofSeconds(5));
    assertThat(calls()).isEqualTo(2);
    bench.upstream.last().end(Terminal.failed(DOWN));
    Run asked = ask(1);
    assertThat(calls()).as("at once").isEqualTo(3);
    bench.upstream.last().end(Terminal.failed(DOWN));
    assertThat(asked.terminal()).isEqualTo(Terminal.failed(DOWN));
    bench.clock.pass(HOUR);
    assertThat(calls()).isEqualTo(3);
    assertThat(told).containsExactly("q1 failed in 0 ms");
    assertThat(bench.engine.waitedFor()).isZero();
  }

  @Test
  void what_comes_too_late_is_given_up() {
    for (int i = 1; i <= 3; i++) {
      prefetch(i);
    }
    bench.upstream.calls().forEach(ScriptedUpstream.Exchange::connect);
    bench.clock.pass(HOUR);
    assertThat(told).containsOnlyOnce("q3 failed in 0 ms").hasSize(3);
    assertThat(calls()).as("q3 never had a place").isEqualTo(2);
  }

  @Test
  void goes_on_when_those_who_joined_leave() {
    prefetch(1);
    bench.upstream.last().connect();
    Run asked = ask(1);
    asked.enter();
    asked.leave();
    bench.clock.pass(Duration.ofMinutes(1));
    answer(bench.upstream.last());
    assertThat(told).containsExactly("q1 completed in 60000 ms");
  }

  @Test
  void ends_with_the_server() {
    for (int i = 1; i <= 3; i++) {
      prefetch(i);
    }
    bench.engine.stopAccepting();
    assertThat(told).hasSize(3).allMatch(it -> it.contains("cancelled"));
    assertThat(bench.engine.background()).isZero();
    assertThat(prefetch(4)).isFalse();
    assertThat(told).endsWith("q4 unmade");
  }

  /// Whatever comes in whatever order: who asks never waits for a place, no question is asked twice
  /// at a time, what nobody asked for has half of the places, and each prefetch is told once.
  @Test
  void whatever_happens_who_asks_goes_first() {
    Seeds.check(
        500,
        random -> {
          var world = new PrefetchedCallsTest();
          var wanted = new HashSet<String>();
          int prefetches = 0;
          for (int left = random.nextInt(150); left > 0; left--) {
            long question = 1L + random.nextInt(12);
            var open = world.open();
            switch (random.nextInt(6)) {
              case 0, 1 -> {
                world.prefetch(question);
                prefetches++;
              }
              case 2 -> {
                Run run = world.ask(question);
                assertThat(run.terminal() != null || run.attempt() > 0).as("begun").isTrue();
                if (run.terminal() == null) {
                  wanted.add("q" + question);
                }
              }
              case 3 -> {
                if (!open.isEmpty()) {
                  var call = open.get(random.nextInt(open.size()));
                  wanted.remove(text(call));
                  answer(call);
                }
              }
              case 4 -> {
                if (!open.isEmpty()) {
                  var call = open.get(random.nextInt(open.size()));
                  wanted.remove(text(call));
                  call.connect();
                  call.end(Terminal.failed(DOWN));
                  world.over.add(call);
                }
              }
              default -> world.bench.clock.pass(Duration.ofMillis(random.nextInt(1_500)));
            }
            world.bench.upstream.calls().forEach(ScriptedUpstream.Exchange::connect);
            var names = world.open().stream().map(PrefetchedCallsTest::text).toList();
            long unasked = names.stream().filter(it -> !wanted.contains(it)).count();
            assertThat(unasked).as("half of 4 places").isLessThanOrEqualTo(2);
            assertThat(world.bench.engine.queue("default").underWay()).isEqualTo((int) unasked);
            assertThat(new HashSet<>(names)).as("once at a time").hasSameSizeAs(names);
          }
          world.bench.clock.pass(Duration.ofHours(3));
          assertThat(world.told).as("each is told once").hasSize(prefetches);
          assertThat(world.bench.engine.queue("default").underWay()).isZero();
          assertThat(world.bench.engine.waitedFor()).isZero();
        });
  }

  private final Set<ScriptedUpstream.Exchange> over = new HashSet<>();

  /// The calls that the upstream has not ended.
  private List<ScriptedUpstream.Exchange> open() {
    return bench.upstream.calls().stream()
        .filter(call -> !call.aborted() && !call.isStreaming() && !over.contains(call))
        .toList();
  }

  private static String text(ScriptedUpstream.Exchange call) {
    return new String(call.request().body(), UTF_8);
  }
}
