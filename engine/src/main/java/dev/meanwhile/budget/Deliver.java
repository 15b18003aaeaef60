package dev.meanwhile.budget;

/// How an operation's answer reaches a caller that does not say.
public enum Deliver {
  /// The caller waits for the whole answer, up to its budget.
  SYNC,
  /// The caller has the answer as it comes.
  STREAM,
  /// The caller is told where the answer will be.
  ASYNC
}
