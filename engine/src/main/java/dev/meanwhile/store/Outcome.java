package dev.meanwhile.store;

/// What became of a [Change].
public sealed interface Outcome {
  /// It is written.
  record Stored() implements Outcome {}

  /// It does not apply (any more), and nothing was written: the log has ended, has another attempt,
  /// is another node's, or is gone.
  record Fenced() implements Outcome {}

  /// The idempotency key is held by another run; nothing was written.
  record Conflict(IdempotencyEntry.Held holder) implements Outcome {}

  /// It is certain that nothing was written and nothing will be.
  ///
  /// @param reason what is wrong and what to do
  record Refused(String reason) implements Outcome {}
}
