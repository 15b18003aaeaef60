package dev.meanwhile.dispatch;

import dev.meanwhile.log.Terminal;

/// What [Step] wants done, in order.
public sealed interface Effect {
  /// Wait for a place at the upstream; it is answered with [Milestone.Granted].
  record Enqueue() implements Effect {}

  /// Call the upstream.
  ///
  /// @param attempt the number of the attempt, above all before
  record Start(int attempt) implements Effect {}

  /// Close the upstream's call.
  record Abort() implements Effect {}

  /// Give the place at the upstream, or in the queue for one, to others.
  record Vacate() implements Effect {}

  /// The attempt failed and left nothing: another is made at `at` (nanoseconds).
  record Pause(long at) implements Effect {}

  /// Promise the terminal event; it is answered with [Milestone.Stored] or [Milestone.Lost].
  record Persist(Terminal terminal) implements Effect {}

  /// Append the terminal event, for all to see.
  record Close(Terminal terminal) implements Effect {}
}
