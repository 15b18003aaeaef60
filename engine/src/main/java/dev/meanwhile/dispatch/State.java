package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;

/// Where a log stands: all that [Step] knows. Times are nanoseconds on the log's clock.
///
/// @param clocks the limits of the attempt
/// @param streamed whether a stream was asked for; a plain call has the connect and total clocks
///   only
/// @param began when the first attempt began
/// @param alive how many runs have not been cancelled
/// @param present how many of those have a reader
/// @param onLeave what its runs want when all readers have left
/// @param graceUntil until when somebody who left may come back, or [#NEVER] if nobody has left
public record State(
    Clocks clocks,
    boolean streamed,
    Phase phase,
    long began,
    int alive,
    int present,
    OnLeave onLeave,
    long graceUntil) {
  /// No time at all.
  public static final long NEVER = Long.MAX_VALUE;

  /// A log that has ended: nothing that happens to it matters any more, so all of them share this.
  static final State OVER = fresh(Clocks.DEFAULT, false).in(Phase.CLOSED);

  /// How far the attempt has come.
  public enum Phase {
    READY,
    CONNECTING,
    WAITING,
    STREAMING,
    CLOSED
  }

  /// A log that has neither an attempt nor a run.
  public static State fresh(Clocks clocks, boolean streamed) {
    return new State(clocks, streamed, Phase.READY, 0, 0, 0, OnLeave.CANCEL, NEVER);
  }

  State in(Phase next) {
    return new State(clocks, streamed, next, began, alive, present, onLeave, graceUntil);
  }

  State begun(long now) {
    return new State(clocks, streamed, Phase.CONNECTING, now, alive, present, onLeave, graceUntil);
  }

  State with(int nowAlive, int nowPresent, OnLeave nowOnLeave, long nowGraceUntil) {
    return new State(
        clocks, streamed, phase, began, nowAlive, nowPresent, nowOnLeave, nowGraceUntil);
  }

  /// Whether all who wanted the log have left and it is to be stopped in time.
  boolean deserted() {
    return present == 0 && graceUntil != NEVER && onLeave == OnLeave.CANCEL;
  }

  /// When the next timer is due, or [#NEVER].
  ///
  /// @param lastByte when the upstream last sent anything
  public long alarm(long lastByte) {
    long total = began + clocks.total().toNanos();
    long own =
        switch (phase) {
          case READY, CLOSED -> NEVER;
          case CONNECTING -> Math.min(total, began + clocks.connect().toNanos());
          case WAITING ->
              streamed ? Math.min(total, began + clocks.firstContent().toNanos()) : total;
          case STREAMING ->
              streamed ? Math.min(total, lastByte + clocks.between().toNanos()) : total;
        };
    return phase != Phase.CLOSED && deserted() ? Math.min(own, graceUntil) : own;
  }
}
