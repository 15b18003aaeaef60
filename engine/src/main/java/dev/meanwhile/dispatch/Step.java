package dev.meanwhile.dispatch;

import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.dispatch.State.Attempt;
import dev.meanwhile.dispatch.State.Phase;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// What happens next to a log: a pure function. Time, sockets, disks and threads are outside.
///
/// @param state where the log stands now
/// @param effects what is to be done, in order
public record Step(State state, List<Effect> effects) {
  /// How a log ends here that goes on in another process: that one tells how it really ends.
  public static final Terminal MOVED =
      Terminal.failed(
          new Failure(
              503,
              "run_moved",
              "This run goes on elsewhere, since this server is stopping or was out of touch. Ask for the run again."));

  /// Decides what `milestone`, which came at `now` (nanoseconds), means for a log in `state`. A
  /// closed log stays as it is, whatever comes.
  public static Step step(State state, Milestone milestone, long now) {
    if (state.phase() == Phase.CLOSED) {
      // A place that is granted too late is for others.
      return milestone instanceof Milestone.Granted
          ? new Step(state, List.of(new Effect.Vacate()))
          : stay(state);
    }
    State.Readers readers = state.readers();
    return switch (milestone) {
      case Milestone.Begun() -> {
        if (state.phase() != Phase.READY) {
          yield stay(state);
        }
        if (state.plan().retry() == null) {
          yield start(state, now);
        }
        // What was stored may have been told to wait.
        long notBefore = state.attempt().retryAt();
        yield notBefore != State.NEVER && now < notBefore
            ? stay(state.in(Phase.PAUSED))
            : new Step(state.in(Phase.QUEUED), List.of(new Effect.Enqueue()));
      }
      case Milestone.Granted() -> {
        if (state.phase() != Phase.QUEUED) {
          yield new Step(state, List.of(new Effect.Vacate()));
        }
        if (isExpired(state, now)) {
          yield end(state, EXPIRED);
        }
        yield isTooLate(state, now) ? end(state, TOO_LATE) : start(state, now);
      }
      case Milestone.Connected() ->
          stay(state.phase() == Phase.CONNECTING ? state.in(Phase.WAITING) : state);
      case Milestone.FirstContent() -> stay(state.calling() ? state.in(Phase.STREAMING) : state);
      case Milestone.Ended(Terminal terminal, long retryAfter, double dice) ->
          state.calling() ? ended(state, terminal, retryAfter, dice, now) : stay(state);
      case Milestone.Stopped(Terminal terminal) -> end(state, terminal);
      case Milestone.Tick(long lastByte) -> tick(state, lastByte, now);
      case Milestone.Joined(OnLeave onLeave) ->
          stay(state.with(readers.plus(1, 0).keepingMost(onLeave)));
      case Milestone.Lifted() -> lift(state, now);
      case Milestone.Returned() -> stay(state.with(readers.plus(0, 1)));
      case Milestone.Left(long grace) -> {
        // Who left earlier with a longer grace may still come back: the latest end counts.
        long until =
            readers.graceUntil() == State.NEVER
                ? now + grace
                : Math.max(readers.graceUntil(), now + grace);
        yield endIfDeserted(state.with(readers.plus(0, -1).until(until)), now);
      }
      case Milestone.Cancelled(boolean present) -> {
        State next = state.with(readers.plus(-1, present ? -1 : 0));
        yield next.readers().alive() == 0
            ? end(next, Terminal.CANCELLED)
            : endIfDeserted(next, now);
      }
      case Milestone.Keeping() -> stay(state.durable(true));
      case Milestone.Kept() -> stay(state.with(readers.keepingMost(OnLeave.CONTINUE)));
      case Milestone.NotKept() -> {
        State next = state.durable(false);
        Terminal ending = state.ending();
        yield ending == null ? stay(next) : close(next, ending);
      }
      case Milestone.Stored() -> {
        Terminal ending = state.ending();
        yield ending == null ? stay(state) : close(state, ending);
      }
      case Milestone.Lost() -> {
        List<Effect> effects = giveUp(state);
        effects.add(new Effect.Close(MOVED));
        yield new Step(state.in(Phase.CLOSED), effects);
      }
    };
  }

  /// From now on it is like any call that somebody waits for: that needs no place, and is not made
  /// again when it fails.
  private static Step lift(State state, long now) {
    if (state.plan().retry() == null || state.phase() == Phase.ENDING) {
      return stay(state);
    }
    State next = state.lifted();
    List<Effect> effects = new ArrayList<>(2);
    effects.add(new Effect.Vacate());
    if (state.phase() == Phase.QUEUED || state.phase() == Phase.PAUSED) {
      Step started = start(next, now);
      next = started.state;
      effects.addAll(started.effects);
    }
    return new Step(next, effects);
  }

  private static Step start(State state, long now) {
    Attempt last = state.attempt();
    var next = new Attempt(Phase.CONNECTING, last.number() + 1, last.tries() + 1, now, State.NEVER);
    return new Step(state.with(next), List.of(new Effect.Start(next.number())));
  }

  private static Step ended(
      State state, Terminal terminal, long retryAfter, double dice, long now) {
    Retry retry = state.plan().retry();
    Failure failure = terminal.failure();
    if (retry != null && failure != null && Retry.isWorth(failure)) {
      Attempt attempt = state.attempt();
      long at = now + Retry.delay(attempt.tries(), retryAfter, dice);
      if (at < retry.deadline()) {
        var paused =
            new Attempt(Phase.PAUSED, attempt.number(), attempt.tries(), attempt.began(), at);
        return new Step(state.with(paused), List.of(new Effect.Vacate(), new Effect.Pause(at)));
      }
    }
    List<Effect> effects = new ArrayList<>(2);
    if (retry != null) {
      effects.add(new Effect.Vacate());
    }
    return finish(state, terminal, effects);
  }

  private static Step tick(State state, long lastByte, long now) {
    if (isExpired(state, now)) {
      return end(state, EXPIRED);
    }
    Attempt attempt = state.attempt();
    if (!state.calling()) {
      boolean waits = state.phase() == Phase.QUEUED || state.phase() == Phase.PAUSED;
      if (waits && isTooLate(state, now)) {
        return end(state, TOO_LATE);
      }
      if (state.phase() == Phase.PAUSED && now >= attempt.retryAt()) {
        return new Step(state.in(Phase.QUEUED), List.of(new Effect.Enqueue()));
      }
      return endIfDeserted(state, now);
    }
    var clocks = state.plan().clocks();
    boolean streamed = state.plan().streamed();
    long age = now - attempt.began();
    if (age >= clocks.total().toNanos()) {
      return outOfTime(state, "total", "in all", clocks.total(), now);
    }
    if (state.phase() == Phase.CONNECTING && age >= clocks.connect().toNanos()) {
      return outOfTime(state, "connect", "without a connection", clocks.connect(), now);
    }
    if (state.phase() == Phase.WAITING && streamed && age >= clocks.firstContent().toNanos()) {
      return outOfTime(state, "first-content", "without any content", clocks.firstContent(), now);
    }
    if (state.phase() == Phase.STREAMING
        && streamed
        && now - lastByte >= clocks.between().toNanos()) {
      return outOfTime(state, "between", "without a byte in mid-stream", clocks.between(), now);
    }
    return endIfDeserted(state, now);
  }

  private static boolean isExpired(State state, long now) {
    return state.phase() != Phase.READY && now >= state.plan().expires();
  }

  /// How a log ends whose time was all that its callers had.
  static final Terminal EXPIRED =
      new Terminal(
          Status.CANCELLED,
          new Failure(
              504,
              "expired",
              "The budget of this run passed before it had ended, and its operation says expire: true. Send it again, or give it a longer budget."));

  private static boolean isTooLate(State state, long now) {
    Retry retry = state.plan().retry();
    return retry != null && now >= retry.deadline();
  }

  private static final Terminal TOO_LATE =
      Terminal.failed(
          new Failure(
              504,
              "deadline_exceeded",
              "The deadline of this background run passed before an attempt succeeded. Send it again, or raise background-deadline."));

  /// The clock decides as the upstream would have: the call is aborted, and perhaps made again.
  private static Step outOfTime(State state, String clock, String what, Duration limit, long now) {
    var terminal =
        Terminal.failed(
            new Failure(
                504,
                "upstream_" + clock.replace('-', '_') + "_timeout",
                "The upstream took %s s %s: all that the %s clock allows. Try again, or raise %s-timeout."
                    .formatted(limit.toMillis() / 1000.0, what, clock, clock)));
    Step next = ended(state, terminal, 0, 0.5, now);
    List<Effect> effects = new ArrayList<>(next.effects.size() + 1);
    effects.add(new Effect.Abort());
    effects.addAll(next.effects);
    return new Step(next.state, effects);
  }

  private static Step endIfDeserted(State state, long now) {
    return state.deserted() && now >= state.readers().graceUntil()
        ? end(state, Terminal.CANCELLED)
        : stay(state);
  }

  /// Stops whatever is under way. An end that is already on its way to the store stands.
  private static Step end(State state, Terminal terminal) {
    return state.phase() == Phase.ENDING ? stay(state) : finish(state, terminal, giveUp(state));
  }

  private static List<Effect> giveUp(State state) {
    List<Effect> effects = new ArrayList<>(4);
    if (state.calling()) {
      effects.add(new Effect.Abort());
    }
    if (state.plan().retry() != null && state.phase() != Phase.ENDING) {
      effects.add(new Effect.Vacate());
    }
    return effects;
  }

  private static Step finish(State state, Terminal terminal, List<Effect> effects) {
    if (state.durable()) {
      effects.add(new Effect.Persist(terminal));
      return new Step(state.ending(terminal), effects);
    }
    effects.add(new Effect.Close(terminal));
    return new Step(state.in(Phase.CLOSED), effects);
  }

  private static Step close(State state, Terminal terminal) {
    return new Step(state.in(Phase.CLOSED), List.of(new Effect.Close(terminal)));
  }

  private static Step stay(State state) {
    return new Step(state, List.of());
  }
}
