package dev.meanwhile.dispatch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.cache.Cache;
import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.Freshness;
import dev.meanwhile.cache.Key;
import dev.meanwhile.dispatch.Bench.Ask;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.testkit.ScriptedUpstream;
import dev.meanwhile.testkit.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// A newer call takes the place of an older one.
class SupersedeTest {
  private static final Key ANN = new Key(1, 1, 1, 1);
  private static final Key BOB = new Key(2, 2, 2, 2);

  private final Bench bench = new Bench();

  private static void isSuperseded(Run run) {
    assertThat(run.status()).isEqualTo(Status.CANCELLED);
    assertThat(run.terminal()).isEqualTo(Supersede.SUPERSEDED);
  }

  @Test
  void the_older_call_ends_and_its_upstream_call_with_it() {
    Run first = bench.accept(Ask.stream().superseding(ANN));
    first.enter();
    var call = bench.upstream.last();
    call.stream();
    call.say(Kind.CONTENT, "half ");
    Run others = bench.accept(Ask.stream().superseding(BOB));
    Run nobodys = bench.accept(Ask.stream());
    assertThat(first.terminal()).isNull();
    Run second = bench.accept(Ask.stream().superseding(ANN));
    isSuperseded(first);
    assertThat(call.aborted()).isTrue();
    assertThat(new String(first.bytes(0, first.end()), UTF_8)).isEqualTo("half ");
    assertThat(bench.upstream.last().aborted()).isFalse();
    assertThat(second.terminal()).isNull();
    assertThat(others.terminal()).isNull();
    assertThat(nobodys.terminal()).isNull();
    bench.accept(Ask.plain().superseding(ANN));
    isSuperseded(second);
    assertThat(bench.ended).hasSize(2);
  }

  @Test
  void what_has_ended_stays_as_it_is() {
    Run first = bench.accept(Ask.stream().superseding(ANN));
    bench.upstream.last().stream();
    bench.upstream.last().end(Terminal.COMPLETED);
    bench.accept(Ask.stream().superseding(ANN));
    assertThat(first.terminal()).isEqualTo(Terminal.COMPLETED);
  }

  @Test
  void of_a_log_that_others_read_only_the_one_run_ends() {
    Run first = bench.accept(Ask.stream().coalescing().superseding(ANN));
    Run others = bench.accept(Ask.stream().coalescing());
    bench.upstream.last().stream();
    bench.upstream.last().say(Kind.CONTENT, "half ");
    Run same = bench.accept(Ask.stream().coalescing().superseding(ANN));
    isSuperseded(first);
    bench.upstream.last().say(Kind.CONTENT, "whole");
    bench.upstream.last().end(Terminal.COMPLETED);
    assertThat(bench.upstream.calls()).hasSize(1);
    assertThat(first.end()).isEqualTo(1);
    for (Run each : List.of(others, same)) {
      assertThat(each.terminal()).isEqualTo(Terminal.COMPLETED);
      assertThat(each.end()).isEqualTo(2);
    }
  }

  @Test
  void an_answer_from_the_cache_supersedes_too() {
    var caching =
        new Caching(
            Bench.SAME,
            new Freshness(Duration.ofHours(1), Duration.ZERO, Duration.ZERO, Duration.ZERO),
            Set.of());
    bench.accept(Ask.plain().cached(caching));
    bench.upstream.last().connect();
    bench.upstream.last().head(new Head(200, false, ""));
    bench.upstream.last().say(Kind.ANSWER, "kept");
    bench.upstream.last().end(Terminal.COMPLETED);
    Run typing = bench.accept(Ask.stream().superseding(ANN));
    Run kept = bench.accept(Ask.plain().cached(caching).superseding(ANN));
    assertThat(bench.hit).isNotNull();
    isSuperseded(typing);
    assertThat(kept.terminal()).isEqualTo(Terminal.COMPLETED);
  }

  @Test
  void a_call_made_for_the_cache_alone_is_not_stopped_by_the_next_caller() {
    var caching =
        new Caching(
            Bench.SAME,
            new Freshness(Duration.ofMinutes(1), Duration.ofHours(1), Duration.ZERO, Duration.ZERO),
            Set.of());
    bench.accept(Ask.plain().cached(caching));
    bench.upstream.last().connect();
    bench.upstream.last().head(new Head(200, false, ""));
    bench.upstream.last().say(Kind.ANSWER, "old");
    bench.upstream.last().end(Terminal.COMPLETED);
    bench.clock.pass(Duration.ofMinutes(2));
    bench.accept(Ask.plain().cached(caching).superseding(ANN));
    assertThat(bench.upstream.calls()).as("and the refresh").hasSize(2);
    bench.accept(Ask.plain().superseding(ANN));
    assertThat(bench.upstream.calls().get(1).aborted()).isFalse();
  }

  @Test
  void a_retry_of_an_older_call_leaves_a_newer_one_alone() {
    Run newer = bench.accept(Ask.stream().superseding(ANN));
    Run late = bench.accept(Ask.stream().retry().superseding(ANN));
    assertThat(late.about().attached()).as("the very same request").isTrue();
    isSuperseded(newer);
    assertThat(late.terminal()).isNull();
    Run other = bench.accept(Ask.plain().retriedAs(new Key(3, 3, 3, 3)).superseding(ANN));
    assertThat(other.about().attached()).isFalse();
    assertThat(late.terminal()).as("not by a retry of something else").isNull();
    bench.accept(Ask.plain().superseding(ANN));
    isSuperseded(late);
  }

  @Test
  void what_is_refused_supersedes_nothing() {
    Run first = bench.accept(Ask.stream().superseding(ANN));
    for (int i = 1; i < 100; i++) {
      bench.accept(Ask.stream());
    }
    assertThat(bench.tryAccept(Ask.stream().superseding(ANN))).isNull();
    assertThat(first.terminal()).isNull();
  }

  @Test
  void nothing_is_remembered_of_what_has_ended() {
    var supersede = new Supersede();
    var clock = new VirtualClock();
    var upstream = new ScriptedUpstream();
    var dispatcher = dispatcher(clock, upstream, supersede);
    var runs = new ArrayList<Run>();
    var answer =
        new Dispatcher.Answer() {
          @Override
          public void accepted(Run run) {
            runs.add(run);
          }

          @Override
          public void refused(Failure failure) {
            throw new AssertionError(failure);
          }
        };
    for (int i = 0; i < 200; i++) {
      Key key = new Key(i % 20, 0, 0, 0);
      Ask ask = i % 3 == 0 ? Ask.stream().coalescing() : Ask.plain();
      dispatcher.accept((i % 7 == 0 ? ask.retry() : ask).superseding(key).submission(), answer);
      assertThat(supersede.size()).isLessThanOrEqualTo(100);
      if (i % 5 == 0) {
        runs.getLast().cancel(Terminal.CANCELLED);
      } else if (i % 11 == 0) {
        upstream.last().stream();
        upstream.last().end(Terminal.COMPLETED);
      }
    }
    assertThat(supersede.size()).isPositive();
    dispatcher.stopAll(new Failure(503, "shutting_down", ""));
    assertThat(runs).allMatch(run -> run.terminal() != null);
    assertThat(supersede.size()).isZero();
  }

  private static Dispatcher dispatcher(
      VirtualClock clock, ScriptedUpstream upstream, Supersede supersede) {
    return new Dispatcher(
        clock,
        upstream,
        new Dispatcher.Shared(
            new ConcurrentHashMap<>(),
            new ConcurrentHashMap<>(),
            new AtomicInteger(),
            new Coalesce(Duration.ofMinutes(1)),
            supersede,
            new Cache(1 << 20, () -> true),
            null,
            _ -> new Queue(4, 10),
            null,
            new Journal() {
              @Override
              public void began(Run run) {}

              @Override
              public void ended(Run run, long firstContent, long total) {}
            },
            () -> 0,
            new AtomicInteger(),
            ConcurrentHashMap.newKeySet(),
            new ConcurrentHashMap<>()),
        new Dispatcher.Limits(1 << 20, 1_000, Duration.ofMinutes(1), 1 << 20, Duration.ofHours(1)));
  }
}
