package dev.meanwhile.dispatch;

import dev.meanwhile.log.Terminal.Failure;
import java.time.Duration;
import java.util.Set;

/// When background work whose attempt failed is tried again: until its deadline.
///
/// @param deadline until when, in nanoseconds on the log's clock
public record Retry(long deadline) {
  private static final long FIRST = Duration.ofSeconds(1).toNanos();
  private static final long MOST = Duration.ofMinutes(1).toNanos();

  /// Failures that another try would only repeat, although their status is one to try again.
  private static final Set<String> FINAL =
      Set.of(
          "insufficient_quota",
          "run_too_large",
          "upstream_event_too_large",
          "upstream_redirect",
          "upstream_invalid_event",
          "upstream_invalid_answer");

  /// Whether another try may end better: rate limits, time-outs, cuts and faults of the upstream.
  static boolean isWorth(Failure failure) {
    int status = failure.status();
    return (status == 408 || status == 409 || status == 429 || status >= 500)
        && !FINAL.contains(failure.code());
  }

  /// How long to wait before the next try: doubling from a second to a minute, half of it random so
  /// that those who failed together do not come back together, and never less than the upstream
  /// asked for.
  ///
  /// @param tries how many attempts have failed, 1 or more
  /// @param retryAfter what the upstream asked for, in nanoseconds, 0 if it did not
  /// @param dice a random number, 0 to below 1
  static long delay(int tries, long retryAfter, double dice) {
    long backOff = Math.min(MOST, FIRST << Math.min(tries - 1, 10));
    long random = (long) (backOff * 0.5 * dice);
    return Math.max(retryAfter, backOff / 2) + random;
  }
}
