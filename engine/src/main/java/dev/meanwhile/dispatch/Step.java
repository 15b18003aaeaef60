package dev.meanwhile.dispatch;

import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.dispatch.State.Phase;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import java.time.Duration;
import java.util.List;

/// What happens next to a log: a pure function. Time, sockets and threads are outside.
///
/// @param state where the log stands now
/// @param effects what is to be done, in order
public record Step(State state, List<Effect> effects) {
  /// Decides what `milestone`, which came at `now` (nanoseconds), means for a log in `state`. A
  /// closed log stays as it is, whatever comes.
  public static Step step(State state, Milestone milestone, long now) {
    if (state.phase() == Phase.CLOSED) {
      return stay(state);
    }
    return switch (milestone) {
      case Milestone.Begun() ->
          state.phase() == Phase.READY
              ? new Step(state.begun(now), List.of(new Effect.Start()))
              : stay(state);
      case Milestone.Connected() ->
          stay(state.phase() == Phase.CONNECTING ? state.in(Phase.WAITING) : state);
      case Milestone.FirstContent() -> stay(state.in(Phase.STREAMING));
      case Milestone.Ended(Terminal terminal) ->
          new Step(state.in(Phase.CLOSED), List.of(new Effect.Close(terminal)));
      case Milestone.Stopped(Terminal terminal) -> stop(state, terminal);
      case Milestone.Tick(long lastByte) -> tick(state, lastByte, now);
      case Milestone.Joined(OnLeave onLeave) -> {
        OnLeave keepsMost = onLeave.compareTo(state.onLeave()) > 0 ? onLeave : state.onLeave();
        yield stay(state.with(state.alive() + 1, state.present(), keepsMost, state.graceUntil()));
      }
      case Milestone.Returned() ->
          stay(state.with(state.alive(), state.present() + 1, state.onLeave(), state.graceUntil()));
      case Milestone.Left(long grace) -> {
        // Who left earlier with a longer grace may still come back: the latest end counts.
        long until =
            state.graceUntil() == State.NEVER
                ? now + grace
                : Math.max(state.graceUntil(), now + grace);
        yield stopIfDeserted(
            state.with(state.alive(), state.present() - 1, state.onLeave(), until), now);
      }
      case Milestone.Cancelled(boolean present) -> {
        State next =
            state.with(
                state.alive() - 1,
                state.present() - (present ? 1 : 0),
                state.onLeave(),
                state.graceUntil());
        yield next.alive() == 0 ? stop(next, Terminal.CANCELLED) : stopIfDeserted(next, now);
      }
    };
  }

  private static Step tick(State state, long lastByte, long now) {
    if (state.phase() == Phase.READY) {
      return stay(state);
    }
    var clocks = state.clocks();
    if (now - state.began() >= clocks.total().toNanos()) {
      return stop(state, late("total", "in all", clocks.total()));
    }
    if (state.phase() == Phase.CONNECTING && now - state.began() >= clocks.connect().toNanos()) {
      return stop(state, late("connect", "without a connection", clocks.connect()));
    }
    if (state.phase() == Phase.WAITING
        && state.streamed()
        && now - state.began() >= clocks.firstContent().toNanos()) {
      return stop(state, late("first-content", "without any content", clocks.firstContent()));
    }
    if (state.phase() == Phase.STREAMING
        && state.streamed()
        && now - lastByte >= clocks.between().toNanos()) {
      return stop(state, late("between", "without a byte in mid-stream", clocks.between()));
    }
    return stopIfDeserted(state, now);
  }

  private static Step stopIfDeserted(State state, long now) {
    return state.deserted() && now >= state.graceUntil()
        ? stop(state, Terminal.CANCELLED)
        : stay(state);
  }

  private static Terminal late(String clock, String what, Duration limit) {
    return Terminal.failed(
        new Failure(
            504,
            "upstream_" + clock.replace('-', '_') + "_timeout",
            "The upstream took %s s %s: all that the %s clock allows. Try again, or raise %s-timeout."
                .formatted(limit.toMillis() / 1000.0, what, clock, clock)));
  }

  /// An attempt that has not begun has nothing to abort.
  private static Step stop(State state, Terminal terminal) {
    var close = new Effect.Close(terminal);
    return new Step(
        state.in(Phase.CLOSED),
        state.phase() == Phase.READY ? List.of(close) : List.of(new Effect.Abort(), close));
  }

  private static Step stay(State state) {
    return new Step(state, List.of());
  }
}
