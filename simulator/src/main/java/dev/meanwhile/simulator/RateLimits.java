package dev.meanwhile.simulator;

import io.vertx.core.MultiMap;
import org.jspecify.annotations.Nullable;

/// Calls and tokens a minute, over all callers. Thread-safe.
final class RateLimits {
  private static final long SECOND = 1_000_000_000;
  private static final long MILLI = 1_000_000;

  private final @Nullable Bucket requests;
  private final @Nullable Bucket tokens;

  /// @param now nanoseconds, on the clock of all later times
  RateLimits(int requestsPerMinute, int tokensPerMinute, long now) {
    requests = requestsPerMinute == 0 ? null : new Bucket(requestsPerMinute, now);
    tokens = tokensPerMinute == 0 ? null : new Bucket(tokensPerMinute, now);
  }

  /// Takes a call of so many tokens from what is left, and says in headers what then is.
  ///
  /// @throws ApiError 429 if too little is left; nothing is taken then
  synchronized void admit(int amount, long now, MultiMap headers) {
    long wait =
        Math.max(
            requests == null ? 0 : requests.nanosUntil(1, now),
            tokens == null ? 0 : tokens.nanosUntil(amount, now));
    if (wait == 0) {
      take(requests, 1, now);
      take(tokens, amount, now);
    }
    describe("requests", requests, now, headers);
    describe("tokens", tokens, now, headers);
    if (wait > 0) {
      headers.set("retry-after", Long.toString(Math.ceilDiv(wait, SECOND)));
      headers.set("retry-after-ms", Long.toString(Math.ceilDiv(wait, MILLI)));
      boolean byRequests = requests != null && requests.nanosUntil(1, now) > 0;
      throw new ApiError(
          429,
          "Rate limit reached on "
              + (byRequests ? "requests" : "tokens")
              + " per min. Please try again in "
              + duration(wait)
              + ".",
          byRequests ? "requests" : "tokens",
          null,
          "rate_limit_exceeded");
    }
  }

  private static void take(@Nullable Bucket bucket, double amount, long now) {
    if (bucket != null) {
      bucket.take(amount, now);
    }
  }

  private static void describe(String what, @Nullable Bucket bucket, long now, MultiMap headers) {
    if (bucket != null) {
      headers.set("x-ratelimit-limit-" + what, Integer.toString(bucket.limit()));
      headers.set("x-ratelimit-remaining-" + what, Long.toString(bucket.remaining(now)));
      headers.set("x-ratelimit-reset-" + what, duration(bucket.nanosUntilFull(now)));
    }
  }

  /// As OpenAI writes them: `12ms`, `8s`, `6m0s`.
  static String duration(long nanos) {
    long millis = Math.ceilDiv(nanos, MILLI);
    if (millis < 1_000) {
      return millis + "ms";
    }
    long seconds = Math.ceilDiv(millis, 1_000L);
    return seconds < 60 ? seconds + "s" : seconds / 60 + "m" + seconds % 60 + "s";
  }
}
