package dev.meanwhile.budget;

/// What a caller gets that waits for a whole answer when its budget runs out. The call goes on, or
/// not, as after any other leaving.
public enum AtBudget {
  /// The run's address: 202.
  DETACH,
  /// An error: 504.
  FAIL,
  /// The answer all the same, late.
  WAIT,
  /// An older answer, if one is kept; else the answer all the same, late.
  STALE,
  /// A constant in the answer's place.
  FALLBACK_VALUE
}
