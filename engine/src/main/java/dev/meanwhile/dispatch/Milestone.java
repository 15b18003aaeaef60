package dev.meanwhile.dispatch;

import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.log.Terminal;

/// What can happen to a log, as far as [Step] decides about it. Bytes never pass through here.
public sealed interface Milestone {
  /// The log is accepted, and kept if that was promised: its first attempt is due.
  record Begun() implements Milestone {}

  /// There is a place at the upstream.
  record Granted() implements Milestone {}

  /// There is a connection to the upstream.
  record Connected() implements Milestone {}

  /// The first event with content was appended.
  record FirstContent() implements Milestone {}

  /// The upstream's call is over.
  ///
  /// @param retryAfter how long the upstream asked to be left alone, in nanoseconds, or 0
  /// @param dice a random number, 0 to below 1, for the time of another try
  record Ended(Terminal terminal, long retryAfter, double dice) implements Milestone {}

  /// The engine itself gives up on the log: it is too large, or the server is stopping.
  record Stopped(Terminal terminal) implements Milestone {}

  /// A timer fired.
  ///
  /// @param lastByte when the upstream last sent anything, in nanoseconds on the log's clock
  record Tick(long lastByte) implements Milestone {}

  /// A run was made over this log.
  record Joined(OnLeave onLeave) implements Milestone {}

  /// Somebody waits for what was to be made when there is time: it is not put off any more.
  record Lifted() implements Milestone {}

  /// A run has a reader, for the first time or again.
  record Returned() implements Milestone {}

  /// A run's last reader has left.
  ///
  /// @param grace how long it may come back, in nanoseconds from now, 0 or more
  record Left(long grace) implements Milestone {}

  /// A run was cancelled: it counts no more.
  ///
  /// @param present whether it had a reader
  record Cancelled(boolean present) implements Milestone {}

  /// The store was asked to keep this log, which was in memory only: from now on its end is
  /// promised before it is seen.
  record Keeping() implements Milestone {}

  /// The log is kept: it goes on if everybody leaves.
  record Kept() implements Milestone {}

  /// The log is not kept.
  record NotKept() implements Milestone {}

  /// The terminal event is promised.
  record Stored() implements Milestone {}

  /// The log belongs to another node now: nothing more is written here.
  record Lost() implements Milestone {}
}
