package dev.meanwhile.dispatch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.dispatch.Bench.Ask;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class DispatcherTest {
  private final Bench bench = new Bench();

  // --- Leaving is not stopping.

  @Test
  void a_plain_caller_that_leaves_stops_the_call_at_once() {
    Run run = bench.accept(Ask.plain());
    run.enter();
    run.leave();
    assertThat(run.status()).isEqualTo(Status.CANCELLED);
    assertThat(bench.upstream.last().aborted()).isTrue();
  }

  @Test
  void a_streaming_caller_has_a_grace_and_may_come_back() {
    Run run = bench.accept(Ask.stream());
    bench.upstream.last().stream();
    run.enter();
    run.leave();
    bench.clock.pass(Duration.ofSeconds(14));
    run.enter();
    bench.clock.pass(Duration.ofSeconds(60));
    assertThat(run.status()).isEqualTo(Status.IN_PROGRESS);
    run.leave();
    bench.clock.pass(Duration.ofSeconds(14));
    assertThat(run.status()).isEqualTo(Status.IN_PROGRESS);
    bench.clock.pass(Duration.ofSeconds(1));
    assertThat(run.status()).isEqualTo(Status.CANCELLED);
    assertThat(bench.upstream.last().aborted()).isTrue();
    assertThat(bench.clock.timers()).as("only the sweep of kept logs waits").isLessThanOrEqualTo(1);
  }

  @Test
  void finish_and_continue_go_on_without_readers() {
    for (OnLeave policy : new OnLeave[] {OnLeave.FINISH, OnLeave.CONTINUE}) {
      Run run = bench.accept(Ask.plain().leaving(policy, Duration.ZERO));
      bench.upstream.last().connect();
      run.enter();
      run.leave();
      bench.clock.pass(Duration.ofMinutes(2));
      assertThat(run.status()).isEqualTo(Status.IN_PROGRESS);
      answer("done");
      assertThat(run.status()).isEqualTo(Status.COMPLETED);
    }
  }

  @Test
  void a_stopping_server_waits_for_what_is_watched_or_to_continue() {
    Run watched = bench.accept(Ask.stream());
    watched.enter();
    Run finishing = bench.accept(Ask.plain().leaving(OnLeave.FINISH, Duration.ZERO));
    Run going = bench.accept(Ask.plain().leaving(OnLeave.CONTINUE, Duration.ZERO));
    bench.engine.stopAccepting();
    assertThat(watched.status()).isEqualTo(Status.IN_PROGRESS);
    assertThat(finishing.status()).isEqualTo(Status.CANCELLED);
    assertThat(going.status()).isEqualTo(Status.IN_PROGRESS);
    assertThat(bench.tryAccept(Ask.plain())).isNull();
    assertThat(Objects.requireNonNull(bench.refusal).code()).isEqualTo("shutting_down");
    bench.engine.stopAll(new Failure(503, "shutting_down", "Stopped."));
    assertThat(bench.engine.waitedFor()).isZero();
    assertThat(bench.ended).hasSize(3);
  }

  // --- Coalescing.

  @Test
  void identical_calls_are_one_upstream_call_and_cancel_alone() {
    Run first = bench.accept(Ask.stream().coalescing());
    Run second = bench.accept(Ask.plain().coalescing());
    Run third = bench.accept(Ask.stream().coalescing());
    first.enter();
    second.enter();
    third.enter();
    bench.upstream.last().stream();
    bench.upstream.last().say(Kind.CONTENT, "half ");
    second.cancel(Terminal.CANCELLED);
    second.cancel(Terminal.CANCELLED);
    second.leave();
    bench.upstream.last().say(Kind.CONTENT, "whole");
    bench.upstream.last().end(Terminal.COMPLETED);
    assertThat(bench.upstream.calls()).hasSize(1);
    assertThat(second.status()).isEqualTo(Status.CANCELLED);
    assertThat(text(second)).isEqualTo("half ");
    assertThat(text(first)).isEqualTo("half whole");
    assertThat(third.status()).isEqualTo(Status.COMPLETED);
    assertThat(first.about().attached()).isFalse();
    assertThat(third.about().attached()).isTrue();
  }

  @Test
  void the_last_cancel_stops_the_upstream() {
    Run first = bench.accept(Ask.stream().coalescing());
    Run second = bench.accept(Ask.stream().coalescing());
    first.cancel(Terminal.CANCELLED);
    assertThat(bench.upstream.last().aborted()).isFalse();
    second.cancel(Terminal.CANCELLED);
    assertThat(bench.upstream.last().aborted()).isTrue();
    assertThat(bench.engine.waitedFor()).isZero();
    assertThat(bench.ended).hasSize(2);
  }

  @Test
  void a_log_serves_only_those_it_has_all_for() {
    bench.accept(Ask.stream().withoutUsage().coalescing());
    assertThat(bench.accept(Ask.plain().coalescing()).about().attached())
        .as("a plain answer has usage")
        .isFalse();
    assertThat(bench.accept(Ask.stream().coalescing()).about().attached())
        .as("whoever comes now finds the one that serves all")
        .isTrue();
    assertThat(bench.accept(Ask.stream().withoutUsage().coalescing()).about().attached()).isTrue();
    assertThat(bench.upstream.calls()).hasSize(2);
  }

  @Test
  void what_has_ended_is_found_by_retries_only_and_only_if_it_is_an_answer() {
    bench.accept(Ask.plain().coalescing());
    answer("good");
    assertThat(bench.accept(Ask.plain().coalescing()).about().attached()).isFalse();
    answer("good");
    bench.clock.pass(Duration.ofSeconds(59));
    Run retry = bench.accept(Ask.plain().retry());
    assertThat(retry.about().attached()).isTrue();
    assertThat(text(retry)).isEqualTo("good");
    bench.clock.pass(Duration.ofSeconds(2));
    assertThat(bench.accept(Ask.plain().retry()).about().attached()).isFalse();
    bench.upstream.last().end(Terminal.failed(new Failure(500, "upstream_error", "No.")));
    assertThat(bench.accept(Ask.plain().retry()).about().attached())
        .as("a retry of a failed call is a new call")
        .isFalse();
  }

  @Test
  void only_a_retry_attaches_by_the_retry_key() {
    bench.accept(Ask.plain());
    assertThat(bench.accept(Ask.plain()).about().attached()).isFalse();
    assertThat(bench.accept(Ask.plain().retry()).about().attached()).isTrue();
  }

  // --- Clocks and limits.

  @Test
  void the_between_clock_looks_at_the_last_byte() {
    Run run = bench.accept(Ask.stream());
    run.enter();
    bench.upstream.last().stream();
    bench.upstream.last().say(Kind.CONTENT, "a");
    for (int i = 0; i < 3; i++) {
      bench.clock.pass(Duration.ofMinutes(4));
      bench.upstream.last().say(Kind.FRAME, ".");
    }
    assertThat(run.status()).isEqualTo(Status.IN_PROGRESS);
    bench.clock.pass(Duration.ofMinutes(5));
    assertThat(Objects.requireNonNull(Objects.requireNonNull(run.terminal()).failure()).code())
        .isEqualTo("upstream_between_timeout");
    assertThat(text(run)).as("what came is kept").isEqualTo("a...");
  }

  @Test
  void an_answer_over_the_limit_fails_and_says_so() {
    Run run = bench.accept(Ask.stream());
    bench.upstream.last().stream();
    bench.upstream.last().say(Kind.CONTENT, "x".repeat((1 << 20) + 1));
    assertThat(Objects.requireNonNull(Objects.requireNonNull(run.terminal()).failure()).code())
        .isEqualTo("run_too_large");
    assertThat(bench.upstream.last().aborted()).isTrue();
  }

  @Test
  void more_open_runs_than_allowed_are_refused() {
    for (int i = 0; i < 100; i++) {
      bench.accept(Ask.plain());
    }
    assertThat(bench.tryAccept(Ask.plain())).isNull();
    assertThat(Objects.requireNonNull(bench.refusal).code()).isEqualTo("too_many_runs");
    answer("one less");
    assertThat(bench.tryAccept(Ask.plain())).isNotNull();
  }

  // --- Keeping.

  @Test
  void a_run_is_kept_for_a_time_and_for_its_tenant_only() {
    Run run = bench.accept(Ask.plain());
    answer("kept");
    bench.clock.pass(Duration.ofMinutes(15).minusSeconds(2));
    assertThat(bench.engine.run(run.id(), "shop")).isSameAs(run);
    assertThat(bench.engine.run(run.id(), "other")).isNull();
    bench.clock.pass(Duration.ofSeconds(3));
    assertThat(bench.engine.run(run.id(), "shop")).isNull();
    assertThat(bench.clock.timers()).isZero();
  }

  @Test
  void a_run_that_is_read_stays() {
    Run run = bench.accept(Ask.plain());
    answer("read");
    run.enter();
    bench.clock.pass(Duration.ofMinutes(30));
    assertThat(bench.engine.run(run.id(), "shop")).isSameAs(run);
    run.leave();
    bench.clock.pass(Duration.ofSeconds(2));
    assertThat(bench.engine.run(run.id(), "shop")).isNull();
  }

  @Test
  void the_oldest_go_first_when_there_are_too_many_bytes() {
    var small =
        new Bench(
            new Meanwhile.Settings(
                1,
                1 << 20,
                1_000,
                Duration.ofHours(1),
                100_000,
                1 << 20,
                Duration.ofMinutes(1),
                Duration.ofHours(1),
                _ -> new Queue(4, 1_000)));
    Run first = small.accept(Ask.plain());
    small.upstream.last().end(Terminal.COMPLETED);
    Run last = first;
    for (int i = 0; i < 500; i++) {
      last = small.accept(Ask.plain());
      small.upstream.last().end(Terminal.COMPLETED);
    }
    assertThat(small.engine.run(first.id(), "shop")).isNull();
    assertThat(small.engine.run(last.id(), "shop")).isSameAs(last);
    assertThat(small.engine.kept()).isBetween(20, 200);
  }

  private void answer(String body) {
    bench.upstream.last().connect();
    bench.upstream.last().say(Kind.ANSWER, body);
    bench.upstream.last().end(Terminal.COMPLETED);
  }

  private static String text(Run run) {
    return new String(run.bytes(0, run.end()), UTF_8);
  }
}
