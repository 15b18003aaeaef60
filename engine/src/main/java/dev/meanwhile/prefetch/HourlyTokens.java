package dev.meanwhile.prefetch;

import java.util.Arrays;

/// What was spent in the last hour, by minutes: no 60 minutes, wherever they begin, hold more than
/// what was let through. Times must not go back.
final class HourlyTokens {
  /// The minute under way and the sixty before, as an hour may begin within one.
  private static final int SLOTS = 61;

  private static final long MINUTE = 60_000;

  private final long[] slots = new long[SLOTS];
  private long minute = Long.MIN_VALUE;

  /// Adds to what was spent at `then`; what is longer ago than an hour is over. Below 0: gives
  /// back.
  void add(long tokens, long then, long now) {
    advance(now);
    long at = Math.floorDiv(then, MINUTE);
    if (at > minute - SLOTS) {
      slots[slot(at)] += tokens;
    }
  }

  long spent(long now) {
    advance(now);
    return Arrays.stream(slots).sum();
  }

  private void advance(long now) {
    long to = Math.floorDiv(now, MINUTE);
    for (long at = Math.max(minute + 1, to - SLOTS + 1); at <= to; at++) {
      slots[slot(at)] = 0;
    }
    minute = Math.max(minute, to);
  }

  private static int slot(long minute) {
    return Math.floorMod(minute, SLOTS);
  }
}
