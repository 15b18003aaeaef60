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

  /// Two lines of a batch have the same id.
  ///
  /// @param line the number of the later one
  /// @param before the number of the one that had it
  record Repeated(int line, int before) implements Outcome {}

  /// It is certain that nothing was written and nothing will be.
  ///
  /// @param reason what is wrong and what to do
  record Refused(String reason) implements Outcome {}
}
