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
import org.junit.jupiter.api.Test;

/// `step` under random histories in virtual time: whatever happens in whatever order, a log is
/// closed once, for a reason that holds.
class StepTest {
  private static final Clocks CLOCKS =
      new Clocks(
          Duration.ofNanos(50),
          Duration.ofNanos(200),
          Duration.ofNanos(100),
          Duration.ofNanos(900));
  private static final int HISTORIES = 100_000;

  @Test
  void every_history_closes_a_log_once_and_for_a_reason() {
    Seeds.check(HISTORIES, random -> new History(random).run());
  }

  @Test
  void a_clock_that_ran_out_is_named() {
    var state =
        Step.step(
                State.fresh(new State.Plan(CLOCKS, true, null), false, 0),
                new Milestone.Begun(),
                1_000)
            .state();
    assertThat(codeAt(state, 1_050)).isEqualTo("upstream_connect_timeout");
    state = Step.step(state, new Milestone.Connected(), 1_010).state();
    assertThat(codeAt(state, 1_200)).isEqualTo("upstream_first_content_timeout");
    state = Step.step(state, new Milestone.FirstContent(), 1_020).state();
    assertThat(codeAt(state, 1_120)).isEqualTo("upstream_between_timeout");
    assertThat(codeAt(state, 1_900)).isEqualTo("upstream_total_timeout");
  }

  @Test
  void a_plain_call_has_the_connect_and_total_clocks_only() {
    var state =
        Step.step(
                State.fresh(new State.Plan(CLOCKS, false, null), false, 0),
                new Milestone.Begun(),
                0)
            .state();
    state = Step.step(state, new Milestone.Connected(), 10).state();
    assertThat(Step.step(state, new Milestone.Tick(10), 899).effects()).isEmpty();
    assertThat(codeAt(state, 900)).isEqualTo("upstream_total_timeout");
  }

  private static String codeAt(State state, long now) {
    List<Effect> effects = Step.step(state, new Milestone.Tick(1_020), now).effects();
    assertThat(effects).hasSize(2).first().isEqualTo(new Effect.Abort());
    var close = (Effect.Close) effects.get(1);
    return Objects.requireNonNull(close.terminal().failure()).code();
  }

  /// One random history, beside a model that is as simple as can be.
  private static final class History {
    private final SplittableRandom random;
    private final List<String> told = new ArrayList<>();
    private final List<Long> graces = new ArrayList<>();
    private State state;
    private long now = 5;
    private long lastByte = 5;
    private int alive;
    private int present;
    private int starts;
    private int aborts;
    private int closes;
    private boolean over;
    private OnLeave onLeave = OnLeave.CANCEL;

    History(SplittableRandom random) {
      this.random = random;
      this.state = State.fresh(new State.Plan(CLOCKS, random.nextBoolean(), null), false, 0);
    }

    void run() {
      join();
      happen(new Milestone.Begun());
      while (closes == 0 && told.size() < 200) {
        long alarm = state.alarm(lastByte);
        assertThat(alarm).as("an open attempt always has a limit").isLessThan(State.NEVER);
        now = Math.max(now, random.nextInt(4) == 0 ? alarm : now + random.nextInt(40));
        next();
      }
      if (closes == 0) {
        now += CLOCKS.total().toNanos();
        happen(new Milestone.Tick(lastByte));
      }
      assertThat(closes).as("%s", told).isEqualTo(1);
      assertThat(starts).as("%s", told).isEqualTo(1);
      State closed = state;
      for (int i = 0; i < 5; i++) {
        next();
      }
      assertThat(state).as("a closed log stays as it is").isEqualTo(closed);
    }

    private void next() {
      switch (random.nextInt(9)) {
        case 0 -> {
          if (state.phase() == Phase.CONNECTING) {
            happen(new Milestone.Connected());
          }
        }
        case 1, 2 -> {
          lastByte = now;
          if (state.phase() == Phase.WAITING) {
            happen(new Milestone.FirstContent());
          }
        }
        case 3 -> {
          if (random.nextInt(5) == 0) {
            over = true;
            happen(new Milestone.Ended(Terminal.COMPLETED, 0, 0.5));
          }
        }
        case 4 -> join();
        case 5 -> {
          if (present > 0) {
            long grace = random.nextInt(60);
            present--;
            graces.add(now + grace);
            happen(new Milestone.Left(grace));
          }
        }
        case 6 -> {
          if (present < alive) {
            present++;
            happen(new Milestone.Returned());
          }
        }
        case 7 -> {
          if (alive > 0 && random.nextInt(4) == 0) {
            boolean was = present == alive || (present > 0 && random.nextBoolean());
            alive--;
            present -= was ? 1 : 0;
            happen(new Milestone.Cancelled(was));
          }
        }
        default -> happen(new Milestone.Tick(lastByte));
      }
    }

    private void join() {
      if (state.phase() == Phase.CLOSED) {
        return;
      }
      OnLeave policy = Seeds.pick(random, OnLeave.values());
      onLeave = policy.compareTo(onLeave) > 0 ? policy : onLeave;
      alive++;
      happen(new Milestone.Joined(policy));
      present++;
      happen(new Milestone.Returned());
    }

    private void happen(Milestone milestone) {
      told.add(now + " " + milestone);
      Step step = Step.step(state, milestone, now);
      state = step.state();
      for (Effect effect : step.effects()) {
        switch (effect) {
          case Effect.Start(int _) -> starts++;
          case Effect.Enqueue(),
              Effect.Vacate(),
              Effect.Pause(long _),
              Effect.Persist(Terminal _) ->
              throw new AssertionError("not of a plain call: " + effect);
          case Effect.Abort() -> {
            aborts++;
            assertThat(over).as("an ended call is not aborted: %s", told).isFalse();
          }
          case Effect.Close(Terminal terminal) -> {
            closes++;
            check(terminal, milestone);
          }
        }
      }
      assertThat(closes).as("%s", told).isLessThanOrEqualTo(1);
      assertThat(state.phase() == Phase.CLOSED).as("%s", told).isEqualTo(closes == 1);
    }

    private void check(Terminal terminal, Milestone milestone) {
      assertThat(aborts).as("closed by us is aborted: %s", told).isEqualTo(over ? 0 : starts);
      Failure failure = terminal.failure();
      if (terminal.status() == Status.CANCELLED) {
        boolean deserted =
            present == 0
                && onLeave == OnLeave.CANCEL
                && graces.stream().mapToLong(Long::longValue).max().orElse(State.NEVER) <= now;
        assertThat(alive == 0 || deserted).as("cancelled for a reason: %s", told).isTrue();
      } else if (failure != null) {
        assertThat(milestone).as("%s", told).isInstanceOf(Milestone.Tick.class);
      } else {
        assertThat(over).as("%s", told).isTrue();
      }
    }
  }
}
