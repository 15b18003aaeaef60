package dev.meanwhile.simulator;

/// What is left of a rate limit: a bucket that fills evenly over a minute. Not thread-safe.
final class Bucket {
  private static final double MINUTE = 60e9;

  private final int limit;
  private double left;
  private long since;

  /// @param limit how much a minute brings, and the most there can be
  /// @param now nanoseconds, on the clock of all later times
  Bucket(int limit, long now) {
    this.limit = limit;
    this.left = limit;
    this.since = now;
  }

  /// How long until that much can be taken: 0 if it can be now.
  long nanosUntil(double amount, long now) {
    fill(now);
    return amount <= left ? 0 : (long) Math.ceil((amount - left) / limit * MINUTE);
  }

  void take(double amount, long now) {
    fill(now);
    left -= amount;
  }

  int limit() {
    return limit;
  }

  long remaining(long now) {
    fill(now);
    return (long) Math.max(0, left);
  }

  /// How long until the bucket is full, in nanoseconds.
  long nanosUntilFull(long now) {
    return nanosUntil(limit, now);
  }

  private void fill(long now) {
    left = Math.min(limit, left + (now - since) / MINUTE * limit);
    since = now;
  }
}
