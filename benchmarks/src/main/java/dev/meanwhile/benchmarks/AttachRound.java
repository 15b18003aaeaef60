package dev.meanwhile.benchmarks;

/// What the callers of one round got, in times of [System#nanoTime]; callers are counted from 0,
/// the first. Not thread-safe.
final class AttachRound {
  /// When the origin had its first token for the first caller.
  private long exists;

  private final long[] asked;
  private final long[] firstToken;
  private final boolean[] whole;

  AttachRound(int callers) {
    asked = new long[callers];
    firstToken = new long[callers];
    whole = new boolean[callers];
  }

  /// The caller sent its request.
  void asked(int caller, long time) {
    asked[caller] = time;
  }

  /// The caller received its first token, which the origin had sent at this time.
  void firstToken(int caller, long time, long sentAt) {
    firstToken[caller] = time;
    if (caller == 0) {
      exists = sentAt;
    }
  }

  /// The caller received all tokens, in order, and the end.
  void whole(int caller) {
    whole[caller] = true;
  }

  /// Whether the caller received everything, and so did the first, without whose token there is
  /// nothing to compare with.
  boolean isWhole(int caller) {
    return whole[caller] && whole[0];
  }

  /// How long the caller waited for its first token once it had asked and there was one; in
  /// nanoseconds.
  long waited(int caller) {
    return Math.max(0, firstToken[caller] - Math.max(asked[caller], exists));
  }
}
