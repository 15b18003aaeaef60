package dev.meanwhile.dispatch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

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
import dev.meanwhile.testkit.Seeds;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Calls whose answers are given again.
class CachedCallsTest {
  private static final Duration NONE = Duration.ZERO;
  private static final Duration HOUR = Duration.ofHours(1);

  private final Bench bench = new Bench();

  private static Caching for1h(Duration whileRevalidate, Duration ifError) {
    return new Caching(
        Bench.SAME, new Freshness(HOUR, whileRevalidate, ifError, NONE), Set.of("shop"));
  }

  private static Caching said(
      boolean reads,
      boolean only,
      @Nullable Duration maxAge,
      Duration minFresh,
      Duration maxStale) {
    Caching usual = for1h(NONE, HOUR);
    return new Caching(
        usual.key(), usual.freshness(), usual.tags(), reads, only, maxAge, minFresh, maxStale);
  }

  private Run ask(Caching how) {
    return bench.accept(Ask.plain().cached(how));
  }

  private static String text(Run run) {
    return new String(run.bytes(run.start(), run.end()), UTF_8);
  }

  private void answer(String text) {
    var call = bench.upstream.last();
    call.connect();
    call.head(new Head(200, false, ""));
    call.say(Kind.ANSWER, text);
    call.end(Terminal.COMPLETED);
  }

  private void refuse(int status) {
    var call = bench.upstream.last();
    call.connect();
    call.head(new Head(status, false, ""));
    call.say(Kind.ANSWER, "no");
    call.end(Terminal.failed(new Failure(status, "upstream_error", "no")));
  }

  private int calls() {
    return bench.upstream.calls().size();
  }

  private Hit hit() {
    return Objects.requireNonNull(bench.hit, "nothing was found");
  }

  @Test
  void an_answer_is_given_again_under_the_run_that_made_it() {
    Run first = ask(for1h(NONE, NONE));
    answer("ten");
    bench.clock.pass(Duration.ofMinutes(30));
    Run second = ask(for1h(NONE, NONE));
    assertThat(text(second)).isEqualTo("ten");
    assertThat(second.id()).isEqualTo(first.id());
    assertThat(second.terminal()).isEqualTo(Terminal.COMPLETED);
    assertThat(hit().age()).isEqualTo(1_800_000);
    assertThat(hit().ttl()).isBetween(1_400_000L, 1_800_000L);
    assertThat(calls()).isEqualTo(1);
    bench.clock.pass(Duration.ofMinutes(31));
    ask(for1h(NONE, NONE));
    assertThat(bench.hit).isNull();
    assertThat(calls()).isEqualTo(2);
  }

  @Test
  void a_stale_one_is_given_while_one_call_makes_a_new_one() {
    ask(for1h(HOUR, NONE));
    answer("old");
    bench.clock.pass(Duration.ofMinutes(61));
    for (int i = 0; i < 50; i++) {
      assertThat(text(ask(for1h(HOUR, NONE)))).isEqualTo("old");
      assertThat(hit().use()).isEqualTo(Hit.Use.REVALIDATE);
    }
    assertThat(calls()).isEqualTo(2);
    bench.upstream.last().connect();
    bench.clock.pass(Duration.ofMinutes(1));
    answer("new");
    assertThat(text(ask(for1h(HOUR, NONE)))).isEqualTo("new");
    assertThat(hit().age()).isZero();
    bench.clock.pass(Duration.ofHours(3));
    ask(for1h(HOUR, NONE));
    assertThat(bench.hit).isNull();
  }

  /// 50 callers a second for a hundred lifetimes, of what takes a moment to make: nobody waits, and
  /// there is hardly more than one call in a lifetime.
  @Test
  void what_is_asked_all_the_time_is_made_once_in_a_lifetime() {
    int lifetimes = 100;
    Duration lifetime = Duration.ofSeconds(20);
    Duration slow = Duration.ofMillis(200);
    var how =
        new Caching(Bench.SAME, new Freshness(lifetime, lifetime, NONE, NONE), Set.of("shop"));
    ask(how);
    answer("first");
    Duration tick = Duration.ofMillis(20);
    Duration open = NONE;
    int answered = 1;
    for (long left = lifetimes * lifetime.dividedBy(tick); left > 0; left--) {
      bench.clock.pass(tick);
      assertThat(ask(how).terminal()).isEqualTo(Terminal.COMPLETED);
      if (calls() > answered) {
        if (open.isZero()) {
          bench.upstream.last().connect();
        }
        open = open.plus(tick);
        if (open.equals(slow)) {
          answer("next");
          answered++;
          open = NONE;
        }
      }
    }
    assertThat(calls()).isBetween(lifetimes / 2, (int) (lifetimes * 1.05));
  }

  @Test
  void callers_at_once_wait_for_one_call() {
    Run first = ask(for1h(NONE, NONE));
    Run second = ask(for1h(NONE, NONE));
    answer("one");
    assertThat(calls()).isEqualTo(1);
    assertThat(text(first)).isEqualTo("one");
    assertThat(text(second)).isEqualTo("one");
    assertThat(second.id()).isNotEqualTo(first.id());
  }

  @Test
  void a_stream_without_usage_does_not_serve_who_wants_it() {
    bench.accept(Ask.stream().withoutUsage().cached(for1h(NONE, NONE)));
    bench.upstream.last().stream();
    bench.upstream.last().say(Kind.CONTENT, "data: x\n\n");
    bench.upstream.last().end(Terminal.COMPLETED);
    bench.accept(Ask.stream().withoutUsage().cached(for1h(NONE, NONE)));
    assertThat(hit().use()).isEqualTo(Hit.Use.FRESH);
    ask(for1h(NONE, NONE));
    assertThat(bench.hit).isNull();
    assertThat(calls()).isEqualTo(2);
  }

  @Test
  void only_what_is_complete_is_kept() {
    for (Terminal end :
        new Terminal[] {
          Terminal.INCOMPLETE, Terminal.CANCELLED, Terminal.failed(new Failure(502, "x", "x"))
        }) {
      ask(for1h(NONE, NONE));
      bench.upstream.last().connect();
      bench.upstream.last().head(new Head(200, false, ""));
      bench.upstream.last().say(Kind.ANSWER, "part");
      bench.upstream.last().end(end);
    }
    assertThat(calls()).isEqualTo(3);
  }

  @Test
  void a_refusal_of_the_request_is_given_again_for_as_long_as_it_may() {
    var how =
        new Caching(Bench.SAME, new Freshness(HOUR, HOUR, HOUR, Duration.ofSeconds(10)), Set.of());
    ask(how);
    refuse(500);
    ask(how);
    refuse(400);
    Run again = ask(how);
    assertThat(again.status()).isEqualTo(Status.FAILED);
    assertThat(calls()).isEqualTo(2);
    bench.clock.pass(Duration.ofSeconds(11));
    ask(how);
    assertThat(bench.hit).as("never stale").isNull();
    refuse(404);
    bench.clock.pass(Duration.ofSeconds(11));
    ask(for1h(NONE, NONE));
    refuse(400);
    ask(for1h(NONE, NONE));
    assertThat(bench.hit).as("not kept unless said").isNull();
  }

  @Test
  void callers_say_what_will_do() {
    ask(said(true, false, null, NONE, NONE));
    answer("a");
    bench.clock.pass(Duration.ofMinutes(10));
    ask(said(true, false, Duration.ofMinutes(11), NONE, NONE));
    assertThat(hit().use()).isEqualTo(Hit.Use.FRESH);
    assertThat(
            bench.tryAccept(
                Ask.plain().cached(said(true, true, Duration.ofMinutes(9), NONE, NONE))))
        .isNull();
    assertThat(Objects.requireNonNull(bench.refusal).code()).isEqualTo("not_cached");
    assertThat(
            bench.tryAccept(
                Ask.plain().cached(said(true, true, null, Duration.ofMinutes(51), NONE))))
        .isNull();
    assertThat(calls()).isEqualTo(1);
    ask(said(false, false, null, NONE, NONE));
    assertThat(bench.hit).as("no-cache").isNull();
    answer("b");
    assertThat(text(ask(said(true, false, null, NONE, NONE)))).as("but it is kept").isEqualTo("b");
    bench.clock.pass(Duration.ofMinutes(70));
    ask(said(true, false, null, NONE, Duration.ofMinutes(20)));
    assertThat(hit().use()).as("max-stale").isEqualTo(Hit.Use.FRESH);
    assertThat(hit().ttl()).isNegative();
  }

  @Test
  void a_spare_is_there_for_as_long_as_it_may() {
    ask(for1h(NONE, HOUR));
    answer("old");
    bench.clock.pass(Duration.ofMinutes(70));
    Run now = ask(for1h(NONE, HOUR));
    assertThat(bench.hit).isNull();
    refuse(503);
    assertThat(now.status()).isEqualTo(Status.FAILED);
    assertThat(isSpare(for1h(NONE, HOUR))).isTrue();
    assertThat(isSpare(said(false, false, null, NONE, NONE))).isFalse();
    bench.clock.pass(HOUR);
    assertThat(isSpare(for1h(NONE, HOUR))).isFalse();
  }

  private boolean isSpare(Caching how) {
    return bench.dispatcher.spare(
        Ask.plain().cached(how).submission(),
        new Dispatcher.Answer() {
          @Override
          public void accepted(Run run) {
            assertThat(text(run)).isEqualTo("old");
          }

          @Override
          public void refused(Failure failure) {}
        });
  }

  /// Asks, answers and purges in any order: nobody is given what was asked before the last purge.
  @Test
  void a_purge_never_lets_an_older_answer_in() {
    Seeds.check(500, random -> new CachedCallsTest().purgesAndAnswers(random));
  }

  private void purgesAndAnswers(SplittableRandom random) {
    int version = 0;
    Map<Run, Integer> asked = new HashMap<>();
    for (int i = 0; i < 60; i++) {
      switch (random.nextInt(4)) {
        case 0 -> {
          version++;
          if (random.nextBoolean()) {
            bench.engine.purge("shop", _ -> {});
          } else {
            bench.engine.purge(Bench.SAME, _ -> {});
          }
        }
        case 1 -> answerOne(random);
        default -> {
          boolean alone = random.nextInt(4) == 0;
          // A call says at which version it was made.
          Ask ask =
              Ask.plain()
                  .cached(said(!alone, false, null, NONE, NONE))
                  .saying(Integer.toString(version));
          asked.put(bench.accept(alone ? ask.alone() : ask), version);
          // Else it would be given up after a few of the seconds below.
          bench.upstream.last().connect();
        }
      }
      // Less than the first content may take, over all steps.
      bench.clock.pass(Duration.ofSeconds(random.nextInt(9)));
    }
    for (int left = calls(); left > 0; left--) {
      answerOne(random);
    }
    asked.forEach((run, at) -> assertThat(Integer.parseInt(text(run))).isGreaterThanOrEqualTo(at));
  }

  /// Any call that is under way: they end in any order.
  private void answerOne(SplittableRandom random) {
    var open =
        bench.upstream.calls().stream()
            .filter(call -> !call.isStreaming() && !call.aborted())
            .toList();
    if (!open.isEmpty()) {
      var call = open.get(random.nextInt(open.size()));
      call.connect();
      call.head(new Head(200, false, ""));
      call.say(Kind.ANSWER, new String(call.request().body(), UTF_8));
      call.end(Terminal.COMPLETED);
    }
  }
}
