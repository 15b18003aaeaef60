package dev.meanwhile.dispatch;

import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.log.Terminal;

/// What can happen to a log, as far as [Step] decides about it. Bytes never pass through here.
public sealed interface Milestone {
  /// The log's first attempt is due.
  record Begun() implements Milestone {}

  /// There is a connection to the upstream.
  record Connected() implements Milestone {}

  /// The first event with content was appended.
  record FirstContent() implements Milestone {}

  /// The upstream's call is over.
  record Ended(Terminal terminal) implements Milestone {}

  /// The engine itself gives up on the log: it is too large, or the server is stopping.
  record Stopped(Terminal terminal) implements Milestone {}

  /// A timer fired.
  ///
  /// @param lastByte when the upstream last sent anything, in nanoseconds on the log's clock
  record Tick(long lastByte) implements Milestone {}

  /// A run was made over this log.
  record Joined(OnLeave onLeave) implements Milestone {}

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
}
