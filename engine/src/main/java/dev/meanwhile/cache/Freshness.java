package dev.meanwhile.cache;

import java.time.Duration;

/// How long an answer may be given again; the words are those of HTTP caching (RFC 9111, RFC 5861).
///
/// @param maxAge how long it is fresh
/// @param staleWhileRevalidate how long after that it is still given, while a new one is made
/// @param staleIfError how long after `maxAge` it is given in the place of a failure, or of an
///   answer that does not come in time
/// @param errors how long an upstream's refusal of the request itself is given again; zero: never
public record Freshness(
    Duration maxAge, Duration staleWhileRevalidate, Duration staleIfError, Duration errors) {
  /// By how much lifetimes differ, so that what was made at once does not end at once; so little
  /// that there are not many more of them for it.
  private static final double JITTER = 0.05;

  /// The lifetime of one answer, in milliseconds: `maxAge`, or up to a twentieth less.
  ///
  /// @param dice 0 to below 1
  public static long lifetime(Duration maxAge, double dice) {
    return (long) Math.ceil(maxAge.toMillis() * (1 - JITTER * dice));
  }
}
