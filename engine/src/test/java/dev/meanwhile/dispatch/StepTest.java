package dev.meanwhile.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.dispatch.State.Phase;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.testkit.Seeds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// `step` under random histories in virtual time: whatever happens in whatever order, a log is
/// closed once, for a reason that holds, and what was promised is kept.
class StepTest {
  private static final Clocks CLOCKS =
      new Clocks(
          Duration.ofNanos(50),
          Duration.ofNanos(200),
          Duration.ofNanos(100),
          Duration.ofNanos(900));
  private static final int HISTORIES = 150_000;
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private static final Terminal LIMITED = failed(429, "rate_limit_exceeded");

  private static Terminal failed(int status, String code) {
    return Terminal.failed(new Failure(status, code, "It failed."));
  }

  @Test
  void every_history_closes_a_log_once_and_for_a_reason() {
    Seeds.check(HISTORIES, random -> new History(random).run());
  }

  // --- By example.

  private static State background(long deadline) {
    var plan = new State.Plan(CLOCKS, true, new Retry(deadline));
    return State.fresh(plan, true, 0);
  }

  private static State after(State state, long now, Milestone... milestones) {
    State next = state;
    for (Milestone milestone : milestones) {
      next = Step.step(next, milestone, now).state();
    }
    return next;
  }

  private static Milestone ended(Terminal terminal) {
    return new Milestone.Ended(terminal, 0, 0);
  }

  private static State called(State state, long now) {
    return after(state, now, new Milestone.Begun(), new Milestone.Granted());
  }

  private static String code(Step step) {
    for (Effect effect : step.effects()) {
      if (effect instanceof Effect.Persist(Terminal terminal) && terminal.failure() != null) {
        return terminal.failure().code();
      }
      if (effect instanceof Effect.Close(Terminal terminal) && terminal.failure() != null) {
        return terminal.failure().code();
      }
    }
    throw new AssertionError("no end: " + step.effects());
  }

  @Test
  void a_clock_that_ran_out_is_named() {
    var fresh = State.fresh(new State.Plan(CLOCKS, true, null), false, 0);
    State state = after(fresh, 1_000, new Milestone.Begun());
    assertThat(codeAt(state, 1_050)).isEqualTo("upstream_connect_timeout");
    state = after(state, 1_010, new Milestone.Connected());
    assertThat(codeAt(state, 1_200)).isEqualTo("upstream_first_content_timeout");
    state = after(state, 1_020, new Milestone.FirstContent());
    assertThat(codeAt(state, 1_120)).isEqualTo("upstream_between_timeout");
    assertThat(codeAt(state, 1_900)).isEqualTo("upstream_total_timeout");
  }

  private static String codeAt(State state, long now) {
    Step step = Step.step(state, new Milestone.Tick(1_020), now);
    assertThat(step.effects()).hasSize(2).first().isEqualTo(new Effect.Abort());
    return code(step);
  }

  @Test
  void whatever_it_does_a_log_expires_and_never_before_it_began() {
    var plan = new State.Plan(CLOCKS, true, new Retry(10_000), 30);
    State ready = State.fresh(plan, false, 0);
    assertThat(ready.alarm(0)).isEqualTo(State.NEVER);
    State queued = after(ready, 0, new Milestone.Begun());
    State calling = after(queued, 1, new Milestone.Granted());
    State waiting = after(calling, 2, new Milestone.Connected());
    State streaming = after(waiting, 3, new Milestone.FirstContent());
    for (State each : List.of(queued, calling, waiting, streaming)) {
      assertThat(each.alarm(0)).isLessThanOrEqualTo(30);
      Step step = Step.step(each, new Milestone.Tick(29), 30);
      assertThat(step.effects())
          .contains(new Effect.Vacate(), new Effect.Close(Step.EXPIRED))
          .satisfies(it -> assertThat(it.contains(new Effect.Abort())).isEqualTo(each.calling()));
      assertThat(step.state().phase()).isEqualTo(State.Phase.CLOSED);
    }
    assertThat(Step.step(queued, new Milestone.Granted(), 30).effects())
        .as("its turn comes too late")
        .contains(new Effect.Close(Step.EXPIRED));
  }

  @Test
  void a_plain_call_has_the_connect_and_total_clocks_only() {
    var fresh = State.fresh(new State.Plan(CLOCKS, false, null), false, 0);
    State state = after(fresh, 0, new Milestone.Begun());
    state = after(state, 10, new Milestone.Connected());
    assertThat(Step.step(state, new Milestone.Tick(10), 899).effects()).isEmpty();
    assertThat(codeAt(state, 900)).isEqualTo("upstream_total_timeout");
  }

  @Test
  void background_work_waits_for_its_place() {
    Step begun = Step.step(background(10_000), new Milestone.Begun(), 0);
    assertThat(begun.effects()).containsExactly(new Effect.Enqueue());
    assertThat(begun.state().phase()).isEqualTo(Phase.QUEUED);
    assertThat(Step.step(begun.state(), new Milestone.Granted(), 5).effects())
        .containsExactly(new Effect.Start(1));
  }

  @Test
  void back_off_doubles_to_a_minute_and_half_of_it_is_random() {
    long[] most = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    for (int i = 0; i < most.length; i++) {
      assertThat(Retry.delay(i + 1, 0, 0)).isEqualTo(most[i] * SECOND / 2);
      assertThat(Retry.delay(i + 1, 0, 0.999_999))
          .isBetween(most[i] * SECOND - SECOND / 100, most[i] * SECOND);
    }
    assertThat(Retry.delay(1_000_000, 0, 0)).isEqualTo(30 * SECOND);
  }

  @Test
  void retry_after_is_the_least() {
    State state = called(background(1_000 * SECOND), 0);
    Step step = Step.step(state, new Milestone.Ended(LIMITED, 20 * SECOND, 0), 5);
    assertThat(step.effects())
        .containsExactly(new Effect.Vacate(), new Effect.Pause(5 + 20 * SECOND));
    step = Step.step(state, new Milestone.Ended(LIMITED, 20 * SECOND, 0.5), 5);
    assertThat(step.state().attempt().retryAt()).isGreaterThan(5 + 20 * SECOND);
    step = Step.step(state, new Milestone.Ended(LIMITED, 1, 0), 5);
    assertThat(step.state().attempt().retryAt()).isEqualTo(5 + SECOND / 2);
  }

  @Test
  void a_failed_attempt_is_made_again_and_in_the_end_it_is_too_late() {
    State state = called(background(3 * SECOND), 0);
    state = after(state, 0, ended(LIMITED));
    assertThat(state.phase()).isEqualTo(Phase.PAUSED);
    assertThat(state.alarm(0)).isEqualTo(SECOND / 2);
    assertThat(Step.step(state, new Milestone.Tick(0), SECOND / 2 - 1).effects()).isEmpty();
    Step again = Step.step(state, new Milestone.Tick(0), SECOND / 2);
    assertThat(again.effects()).containsExactly(new Effect.Enqueue());
    Step second = Step.step(again.state(), new Milestone.Granted(), SECOND);
    assertThat(second.effects()).containsExactly(new Effect.Start(2));
    state = after(second.state(), SECOND, ended(LIMITED));
    assertThat(state.attempt().retryAt()).isEqualTo(2 * SECOND);
    state = after(state, 2 * SECOND, new Milestone.Tick(0), new Milestone.Granted());
    // The next would come after two seconds.
    Step last = Step.step(state, ended(LIMITED), 2 * SECOND);
    assertThat(last.effects()).containsExactly(new Effect.Vacate(), new Effect.Persist(LIMITED));
  }

  @Test
  void what_another_try_would_only_repeat_fails_at_once() {
    for (String code : List.of("insufficient_quota", "run_too_large", "upstream_invalid_answer")) {
      Step step = Step.step(called(background(99 * SECOND), 0), ended(failed(429, code)), 1);
      assertThat(code(step)).isEqualTo(code);
    }
    for (int status : new int[] {400, 401, 403, 404, 422, 451}) {
      Step step = Step.step(called(background(99 * SECOND), 0), ended(failed(status, "no")), 1);
      assertThat(code(step)).isEqualTo("no");
    }
    for (int status : new int[] {408, 409, 429, 500, 502, 503, 504, 529}) {
      State state = after(called(background(99 * SECOND), 0), 1, ended(failed(status, "no")));
      assertThat(state.phase()).isEqualTo(Phase.PAUSED);
    }
  }

  @Test
  void a_deadline_passes_while_a_log_is_queued_or_paused_but_not_while_it_is_called() {
    State queued = after(background(700), 0, new Milestone.Begun());
    assertThat(queued.alarm(0)).isEqualTo(700);
    assertThat(Step.step(queued, new Milestone.Tick(0), 699).effects()).isEmpty();
    Step late = Step.step(queued, new Milestone.Tick(0), 700);
    assertThat(late.effects()).first().isEqualTo(new Effect.Vacate());
    assertThat(code(late)).isEqualTo("deadline_exceeded");
    assertThat(code(Step.step(queued, new Milestone.Granted(), 700)))
        .as("a place that comes too late")
        .isEqualTo("deadline_exceeded");
    State paused = after(called(background(SECOND), 0), 0, ended(LIMITED));
    assertThat(code(Step.step(paused, new Milestone.Tick(0), SECOND)))
        .isEqualTo("deadline_exceeded");
    State calling = after(called(background(60), 0), 10, new Milestone.Connected());
    assertThat(Step.step(calling, new Milestone.Tick(50), 100).effects()).isEmpty();
  }

  @Test
  void what_was_told_to_wait_before_a_restart_waits() {
    State state = background(99 * SECOND).notBefore(7 * SECOND);
    Step begun = Step.step(state, new Milestone.Begun(), SECOND);
    assertThat(begun.effects()).isEmpty();
    assertThat(begun.state().alarm(0)).isEqualTo(7 * SECOND);
    assertThat(Step.step(begun.state(), new Milestone.Tick(0), 7 * SECOND).effects())
        .containsExactly(new Effect.Enqueue());
    assertThat(Step.step(state, new Milestone.Begun(), 8 * SECOND).effects())
        .containsExactly(new Effect.Enqueue());
  }

  @Test
  void the_end_of_a_kept_log_waits_for_the_store() {
    var plan = new State.Plan(CLOCKS, true, null);
    State state = after(State.fresh(plan, false, 0), 0, new Milestone.Begun());
    state = after(state, 1, new Milestone.Keeping());
    Step ending = Step.step(state, ended(Terminal.COMPLETED), 2);
    assertThat(ending.effects()).containsExactly(new Effect.Persist(Terminal.COMPLETED));
    for (Milestone milestone : List.of(new Milestone.Stored(), new Milestone.NotKept())) {
      assertThat(Step.step(ending.state(), milestone, 3).effects())
          .containsExactly(new Effect.Close(Terminal.COMPLETED));
    }
    assertThat(Step.step(ending.state(), new Milestone.Lost(), 3).effects())
        .containsExactly(new Effect.Close(Step.MOVED));
    State refused = after(state, 2, new Milestone.NotKept());
    assertThat(Step.step(refused, ended(Terminal.COMPLETED), 3).effects())
        .as("as if it had never been asked for")
        .containsExactly(new Effect.Close(Terminal.COMPLETED));
  }

  // --- Whatever happens.

  private enum Its {
    /// In memory only.
    PLAIN,
    /// In memory, until the store is asked to keep it.
    TO_BE_KEPT,
    /// In the store from the beginning, but somebody waits.
    PROMISED,
    /// In the store, and nobody waits.
    BACKGROUND
  }

  private enum Place {
    NOWHERE,
    IN_LINE,
    AT_UPSTREAM
  }

  /// One random history, beside a model that is as simple as can be: a store and a queue that
  /// answer late or not, an upstream, callers, and now and then a crash, after which a fresh state
  /// goes on from what was stored.
  private static final class History {
    private final SplittableRandom random;
    private final List<String> told = new ArrayList<>();
    private Its its;
    private State.Plan plan;
    private State state;
    private long now = 5;
    private long lastByte = 5;

    // Callers.
    private final List<Long> graces = new ArrayList<>();
    private OnLeave onLeave = OnLeave.CANCEL;
    private int alive;
    private int present;

    // The upstream, of the current attempt.
    private boolean calling;
    private Place place = Place.NOWHERE;

    // This process, since the last crash.
    private int attempt;
    private int starts;
    private int pauses;
    private int enqueues;
    private int vacates;
    private int closes;
    private boolean granted;
    private @Nullable Terminal last;
    private @Nullable Terminal stopping;

    // The store.
    private boolean keeping;
    private boolean durable;
    private @Nullable Terminal persisting;
    private @Nullable Terminal persisted;
    private int storedAttempt;
    private int written;

    /// After a crash nobody goes on with it.
    private boolean gone;

    History(SplittableRandom random) {
      this.random = random;
      this.its = Seeds.pick(random, Its.values());
      this.durable = its == Its.PROMISED || its == Its.BACKGROUND;
      long deadline = Seeds.pick(random, 100L, 2_000L, 3 * SECOND, 300 * SECOND);
      Retry retry = its == Its.BACKGROUND ? new Retry(deadline) : null;
      this.plan = new State.Plan(CLOCKS, random.nextBoolean(), retry);
      this.state = State.fresh(plan, durable, 0);
    }

    void run() {
      join();
      happen(new Milestone.Begun());
      while (closes == 0 && !gone && told.size() < 200) {
        long alarm = state.alarm(lastByte);
        if (state.phase() != Phase.ENDING) {
          assertThat(alarm).as("what is open has a limit: %s", told).isLessThan(State.NEVER);
        }
        pass(alarm);
        next();
        if (durable && closes == 0 && random.nextInt(60) == 0) {
          crash();
        }
      }
      if (gone) {
        return;
      }
      settle();
      assertThat(closes).as("%s", told).isEqualTo(1);
      assertThat(place).as("%s", told).isEqualTo(Place.NOWHERE);
      assertThat(vacates).as("%s", told).isGreaterThanOrEqualTo(enqueues);
      assertThat(starts).as("%s", told).isLessThanOrEqualTo(1 + pauses);
      State closed = state;
      for (int i = 0; i < 5; i++) {
        next();
      }
      assertThat(state).as("a closed log stays as it is").isEqualTo(closed);
    }

    private void pass(long alarm) {
      long step = random.nextInt(4) == 0 && alarm != State.NEVER ? alarm - now : random.nextInt(40);
      now += Math.max(0, step);
    }

    /// From now on only clocks, the queue and the store do what they must: it ends within what is
    /// left of the deadline and one more attempt.
    private void settle() {
      Retry retry = plan.retry();
      long bound =
          Math.max(now, retry == null ? 0 : retry.deadline()) + CLOCKS.total().toNanos() + 1;
      for (int i = 0; closes == 0; i++) {
        assertThat(i).as("it comes to an end: %s", told).isLessThan(1_000);
        if (persisting != null) {
          answerEnd(new Milestone.Stored());
        } else if (state.phase() == Phase.QUEUED && random.nextBoolean()) {
          grant();
        } else {
          now = Math.max(now, state.alarm(lastByte));
          assertThat(now).as("in time: %s", told).isLessThanOrEqualTo(bound);
          happen(new Milestone.Tick(lastByte));
        }
      }
    }

    /// The process is gone; the next one goes on from what the store has, if that has not ended.
    private void crash() {
      if (persisting != null && random.nextBoolean()) {
        persisted = persisting;
      }
      if (random.nextBoolean()) {
        storedAttempt = written;
      }
      told.add(now + " crash, after attempt " + storedAttempt);
      if (persisted != null || keeping) {
        gone = true;
        return;
      }
      if (its != Its.BACKGROUND) {
        // Nobody waits any more.
        its = Its.BACKGROUND;
        plan = new State.Plan(CLOCKS, plan.streamed(), new Retry(now + SECOND));
      }
      state = State.fresh(plan, true, storedAttempt);
      attempt = storedAttempt;
      written = storedAttempt;
      starts = 0;
      pauses = 0;
      enqueues = 0;
      vacates = 0;
      granted = false;
      calling = false;
      place = Place.NOWHERE;
      persisting = null;
      last = null;
      stopping = null;
      graces.clear();
      present = 0;
      onLeave = OnLeave.CONTINUE;
      int runs = Math.max(1, alive);
      alive = 0;
      for (int i = 0; i < runs; i++) {
        alive++;
        happen(new Milestone.Joined(OnLeave.CONTINUE));
      }
      happen(new Milestone.Begun());
    }

    private void next() {
      switch (random.nextInt(17)) {
        case 0 -> happen(new Milestone.Connected());
        case 1, 2 -> {
          lastByte = calling ? now : lastByte;
          if (state.phase() != Phase.CONNECTING) {
            happen(new Milestone.FirstContent());
          }
        }
        case 3, 4 -> upstreamEnds();
        case 5 -> join();
        case 6 -> leave();
        case 7 -> comeBack();
        case 8 -> cancel();
        case 9, 10 -> grant();
        case 11 -> keep();
        case 12 -> {
          if (persisting != null) {
            answerEnd(random.nextInt(4) == 0 ? new Milestone.Lost() : new Milestone.Stored());
          } else if (!durable) {
            // Nobody asked.
            happen(new Milestone.Stored());
          }
        }
        case 13 -> stop();
        case 14 -> {
          if (durable && !keeping && random.nextInt(20) == 0) {
            happen(new Milestone.Lost());
          }
        }
        default -> happen(new Milestone.Tick(lastByte));
      }
    }

    private void upstreamEnds() {
      if (random.nextInt(4) != 0) {
        return;
      }
      Terminal terminal =
          Seeds.pick(
              random,
              Terminal.COMPLETED,
              Terminal.INCOMPLETE,
              LIMITED,
              failed(500, "server_error"),
              failed(429, "insufficient_quota"),
              failed(400, "no"));
      boolean was = calling;
      if (was) {
        calling = false;
        last = terminal;
      }
      long retryAfter = random.nextInt(3) == 0 ? random.nextLong(3 * SECOND) : 0;
      Phase before = state.phase();
      happen(new Milestone.Ended(terminal, retryAfter, random.nextDouble()));
      if (was) {
        checkEnd(terminal, retryAfter);
      } else {
        assertThat(state.phase()).as("an end of nothing: %s", told).isEqualTo(before);
      }
    }

    /// What another try may help is tried again while there is time; all else ends at once.
    private void checkEnd(Terminal terminal, long retryAfter) {
      Failure failure = terminal.failure();
      Retry retry = plan.retry();
      boolean again = retry != null && failure != null && Retry.isWorth(failure);
      if (state.phase() == Phase.PAUSED) {
        assertThat(again).as("%s", told).isTrue();
        long wait = state.attempt().retryAt() - now;
        assertThat(wait).as("%s", told).isGreaterThanOrEqualTo(Math.max(retryAfter, SECOND / 2));
        assertThat(now + wait).as("%s", told).isLessThan(Objects.requireNonNull(retry).deadline());
      } else {
        assertThat(state.phase()).as("%s", told).isIn(Phase.ENDING, Phase.CLOSED);
        if (again) {
          long most = now + Math.max(retryAfter, 30 * SECOND) + 30 * SECOND;
          assertThat(most)
              .as("there is no time for another try: %s", told)
              .isGreaterThanOrEqualTo(Objects.requireNonNull(retry).deadline());
        }
      }
    }

    private void join() {
      if (state.phase() == Phase.CLOSED) {
        return;
      }
      OnLeave policy =
          its == Its.BACKGROUND ? OnLeave.CONTINUE : Seeds.pick(random, OnLeave.values());
      onLeave = policy.compareTo(onLeave) > 0 ? policy : onLeave;
      alive++;
      happen(new Milestone.Joined(policy));
      if (its != Its.BACKGROUND) {
        present++;
        happen(new Milestone.Returned());
      }
    }

    private void leave() {
      if (present > 0) {
        long grace = random.nextInt(60);
        present--;
        graces.add(now + grace);
        happen(new Milestone.Left(grace));
      }
    }

    private void comeBack() {
      if (present < alive) {
        present++;
        happen(new Milestone.Returned());
      }
    }

    private void cancel() {
      if (alive > 0 && random.nextInt(4) == 0) {
        boolean was = present == alive || (present > 0 && random.nextBoolean());
        alive--;
        present -= was ? 1 : 0;
        happen(new Milestone.Cancelled(was));
      }
    }

    private void grant() {
      if (place == Place.IN_LINE) {
        place = Place.AT_UPSTREAM;
        granted = true;
        happen(new Milestone.Granted());
      } else if (its == Its.BACKGROUND && state.phase() != Phase.QUEUED && !calling) {
        // One that was on its way when the place was given up.
        Step step = Step.step(state, new Milestone.Granted(), now);
        assertThat(step.effects()).as("%s", told).containsExactly(new Effect.Vacate());
        assertThat(step.state()).as("%s", told).isEqualTo(state);
      }
    }

    private void keep() {
      if (its != Its.TO_BE_KEPT || closes > 0) {
        return;
      }
      if (keeping) {
        keeping = false;
        if (random.nextBoolean()) {
          onLeave = OnLeave.CONTINUE;
          happen(new Milestone.Kept());
        } else {
          durable = false;
          Terminal ending = persisting;
          persisting = null;
          persisted = null;
          happen(new Milestone.NotKept());
          assertThat(closes).as("%s", told).isEqualTo(ending == null ? 0 : 1);
        }
      } else if (!durable) {
        keeping = true;
        durable = true;
        written = attempt;
        storedAttempt = attempt;
        happen(new Milestone.Keeping());
      }
    }

    private void stop() {
      if (random.nextInt(10) == 0 && state.phase() != Phase.ENDING) {
        stopping = failed(503, "shutting_down");
        happen(new Milestone.Stopped(stopping));
      }
    }

    private void answerEnd(Milestone answer) {
      if (keeping) {
        // The store answers in order.
        keeping = false;
        onLeave = OnLeave.CONTINUE;
        happen(new Milestone.Kept());
      }
      if (answer instanceof Milestone.Stored) {
        persisted = persisting;
      }
      happen(answer);
      persisting = null;
    }

    private void happen(Milestone milestone) {
      told.add(now + " " + milestone);
      boolean wasClosed = closes > 0;
      Step step = Step.step(state, milestone, now);
      state = step.state();
      for (Effect effect : step.effects()) {
        switch (effect) {
          case Effect.Enqueue() -> {
            assertThat(its).as("%s", told).isEqualTo(Its.BACKGROUND);
            assertThat(place).as("%s", told).isEqualTo(Place.NOWHERE);
            place = Place.IN_LINE;
            enqueues++;
          }
          case Effect.Start(int number) -> start(number);
          case Effect.Vacate() -> {
            assertThat(calling).as("a call keeps its place: %s", told).isFalse();
            place = Place.NOWHERE;
            vacates++;
          }
          case Effect.Pause(long _) -> {
            pauses++;
            assertThat(place).as("%s", told).isEqualTo(Place.NOWHERE);
          }
          case Effect.Abort() -> {
            assertThat(calling).as("an ended call is not aborted: %s", told).isTrue();
            calling = false;
          }
          case Effect.Persist(Terminal terminal) -> {
            assertThat(durable).as("%s", told).isTrue();
            assertThat(persisting).as("an end that is decided stands: %s", told).isNull();
            persisting = terminal;
            check(terminal, milestone);
          }
          case Effect.Close(Terminal terminal) -> close(terminal, milestone);
        }
      }
      if (wasClosed) {
        assertThat(step.effects().stream().filter(it -> !(it instanceof Effect.Vacate)))
            .as("%s", told)
            .isEmpty();
      }
      assertThat(closes).as("%s", told).isLessThanOrEqualTo(1);
      assertThat(state.phase() == Phase.CLOSED).as("%s", told).isEqualTo(closes == 1);
      assertThat(state.calling()).as("%s", told).isEqualTo(calling);
      if (calling && its == Its.BACKGROUND) {
        assertThat(place).as("%s", told).isEqualTo(Place.AT_UPSTREAM);
      }
    }

    private void start(int number) {
      assertThat(number).as("%s", told).isGreaterThan(attempt);
      assertThat(persisting).as("not once it is decided how it ends: %s", told).isNull();
      assertThat(persisted).as("not once it has ended: %s", told).isNull();
      if (its == Its.BACKGROUND) {
        assertThat(granted).as("not before it is its turn: %s", told).isTrue();
        granted = false;
        assertThat(now)
            .as("not too late: %s", told)
            .isLessThan(Objects.requireNonNull(plan.retry()).deadline());
      }
      attempt = number;
      written = number;
      lastByte = now;
      calling = true;
      last = null;
      starts++;
    }

    private void close(Terminal terminal, Milestone milestone) {
      closes++;
      if (terminal.equals(Step.MOVED)) {
        assertThat(milestone).as("%s", told).isInstanceOf(Milestone.Lost.class);
      } else if (durable) {
        assertThat(terminal).as("closed as it is stored: %s", told).isEqualTo(persisted);
      } else if (!(milestone instanceof Milestone.NotKept)) {
        check(terminal, milestone);
      }
    }

    /// It ends for a reason.
    private void check(Terminal terminal, Milestone milestone) {
      assertThat(calling).as("closed by us is aborted: %s", told).isFalse();
      if (terminal.equals(last) || terminal.equals(stopping)) {
        return;
      }
      if (terminal.status() == Status.CANCELLED) {
        boolean deserted =
            present == 0
                && onLeave == OnLeave.CANCEL
                && graces.stream().mapToLong(Long::longValue).max().orElse(State.NEVER) <= now;
        assertThat(alive == 0 || deserted).as("cancelled for a reason: %s", told).isTrue();
        return;
      }
      String code = Objects.requireNonNull(terminal.failure(), () -> "" + told).code();
      if (code.equals("deadline_exceeded")) {
        assertThat(now)
            .as("%s", told)
            .isGreaterThanOrEqualTo(Objects.requireNonNull(plan.retry()).deadline());
      } else {
        assertThat(code).as("%s", told).startsWith("upstream_").endsWith("_timeout");
        assertThat(milestone).as("%s", told).isInstanceOf(Milestone.Tick.class);
      }
    }
  }
}
