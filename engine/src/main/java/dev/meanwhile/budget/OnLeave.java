package dev.meanwhile.budget;

/// What happens to a log when its last run's last reader has left. Where the runs of a log differ,
/// the one that keeps the most wins: the order here.
public enum OnLeave {
  /// The upstream's call is stopped, after a grace time in which somebody may come back.
  CANCEL,
  /// The answer is finished because somebody will want it; a stopping server does not wait for it.
  FINISH,
  /// The work goes on as if it were watched; a stopping server waits for it.
  CONTINUE
}
