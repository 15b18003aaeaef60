package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.log.Terminal;
import org.jspecify.annotations.Nullable;

/// Where a log stands: all that [Step] knows. Times are nanoseconds on the log's clock.
///
/// @param durable whether its end must be promised by the store before anybody sees it
/// @param ending how it will end, while the store has yet to promise that
public record State(
    Plan plan, boolean durable, Attempt attempt, Readers readers, @Nullable Terminal ending) {
  /// No time at all.
  public static final long NEVER = Long.MAX_VALUE;

  /// A log that has ended: nothing that happens to it matters any more, so all of them share this.
  static final State OVER = fresh(new Plan(Clocks.DEFAULT, false, null), false, 0).in(Phase.CLOSED);

  /// How far the attempt has come.
  public enum Phase {
    READY,
    QUEUED,
    CONNECTING,
    WAITING,
    STREAMING,
    PAUSED,
    ENDING,
    CLOSED
  }

  /// What changes but once, when somebody waits for what nobody waited for.
  ///
  /// @param clocks the limits of each attempt
  /// @param streamed whether a stream is asked for; a plain call has the connect and total clocks
  ///   only
  /// @param retry when a failed attempt is made again; null: never. Work that has one is background
  ///   work: it waits for a place at the upstream
  /// @param expires when the log is stopped, whatever it does, or [#NEVER]
  public record Plan(Clocks clocks, boolean streamed, @Nullable Retry retry, long expires) {
    /// One that never is.
    public Plan(Clocks clocks, boolean streamed, @Nullable Retry retry) {
      this(clocks, streamed, retry, NEVER);
    }
  }

  /// The current attempt.
  ///
  /// @param number its number, 0 before the first
  /// @param tries how many were made since the log was accepted or recovered
  /// @param began when it began
  /// @param retryAt when the next one is made, while the log is paused
  public record Attempt(Phase phase, int number, int tries, long began, long retryAt) {
    Attempt in(Phase next) {
      return new Attempt(next, number, tries, began, retryAt);
    }
  }

  /// Who wants the log.
  ///
  /// @param alive how many runs have not been cancelled
  /// @param present how many of those have a reader
  /// @param onLeave what its runs want when all readers have left
  /// @param graceUntil until when somebody who left may come back, or [#NEVER] if nobody has left
  public record Readers(int alive, int present, OnLeave onLeave, long graceUntil) {
    Readers keepingMost(OnLeave other) {
      return other.compareTo(onLeave) > 0 ? new Readers(alive, present, other, graceUntil) : this;
    }

    Readers plus(int alive, int present) {
      return new Readers(this.alive + alive, this.present + present, onLeave, graceUntil);
    }

    Readers until(long grace) {
      return new Readers(alive, present, onLeave, grace);
    }
  }

  /// A log that has no run yet.
  ///
  /// @param attempts how many attempts were made before, by whoever owned the log
  public static State fresh(Plan plan, boolean durable, int attempts) {
    return new State(
        plan,
        durable,
        new Attempt(Phase.READY, attempts, 0, 0, NEVER),
        new Readers(0, 0, OnLeave.CANCEL, NEVER),
        null);
  }

  /// The same, of a log that waits: its next attempt is not made before `at`.
  public State notBefore(long at) {
    return with(new Attempt(phase(), attempt.number, attempt.tries, attempt.began, at));
  }

  /// How far the attempt has come.
  public Phase phase() {
    return attempt.phase;
  }

  State in(Phase next) {
    return with(attempt.in(next));
  }

  State with(Attempt next) {
    return new State(plan, durable, next, readers, ending);
  }

  State with(Readers next) {
    return new State(plan, durable, attempt, next, ending);
  }

  /// The same, of a log that somebody waits for.
  State lifted() {
    return new State(new Plan(plan.clocks, plan.streamed, null), durable, attempt, readers, ending);
  }

  State durable(boolean now) {
    return new State(plan, now, attempt, readers, ending);
  }

  State ending(Terminal terminal) {
    return new State(plan, durable, attempt.in(Phase.ENDING), readers, terminal);
  }

  /// Whether an upstream's call is under way.
  boolean calling() {
    return switch (phase()) {
      case CONNECTING, WAITING, STREAMING -> true;
      case READY, QUEUED, PAUSED, ENDING, CLOSED -> false;
    };
  }

  /// Whether all who wanted the log have left and it is to be stopped in time.
  boolean deserted() {
    return readers.present == 0 && readers.graceUntil != NEVER && readers.onLeave == OnLeave.CANCEL;
  }

  /// When the next timer is due, or [#NEVER].
  ///
  /// @param lastByte when the upstream last sent anything
  public long alarm(long lastByte) {
    Clocks clocks = plan.clocks;
    long total = attempt.began + clocks.total().toNanos();
    long deadline = plan.retry == null ? NEVER : plan.retry.deadline();
    long own =
        switch (phase()) {
          case READY, ENDING, CLOSED -> NEVER;
          case QUEUED -> deadline;
          case PAUSED -> Math.min(deadline, attempt.retryAt);
          case CONNECTING -> Math.min(total, attempt.began + clocks.connect().toNanos());
          case WAITING ->
              plan.streamed
                  ? Math.min(total, attempt.began + clocks.firstContent().toNanos())
                  : total;
          case STREAMING ->
              plan.streamed ? Math.min(total, lastByte + clocks.between().toNanos()) : total;
        };
    boolean open = phase() != Phase.CLOSED && phase() != Phase.ENDING;
    if (open && phase() != Phase.READY) {
      own = Math.min(own, plan.expires);
    }
    return open && deserted() ? Math.min(own, readers.graceUntil) : own;
  }
}
