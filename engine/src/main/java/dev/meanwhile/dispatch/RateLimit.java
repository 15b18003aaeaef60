package dev.meanwhile.dispatch;

import dev.meanwhile.log.Head;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What an upstream's answer says of its limits; times are nanoseconds from now.
///
/// @param status the status of the answer
/// @param retryAfter how long it asks to be left alone, 0 if it does not
/// @param remaining how many more requests it takes now, or -1 if it does not say
/// @param reset when it will take them all again
record RateLimit(int status, long retryAfter, long remaining, long reset) {
  /// Whoever asks for more is not believed.
  private static final double MOST_SECONDS = 3_600;

  private static final Pattern NUMBER = Pattern.compile("\\d{1,12}(\\.\\d{1,9})?");

  /// As OpenAI writes durations: `1s`, `6m0s`, `20ms`, `1h2m3.5s`.
  private static final Pattern PART =
      Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)(ms|h|m|s|d)", Pattern.CASE_INSENSITIVE);

  /// Reads `retry-after-ms`, `retry-after` (in seconds), `x-ratelimit-remaining-requests` and
  /// `x-ratelimit-reset-requests`; what it cannot read it leaves out.
  static RateLimit of(Head head) {
    double[] found = {0, -1, -1, 0};
    head.forEach((name, value) -> {
      switch (name) {
        case "retry-after" -> found[0] = Math.max(0, number(value));
        case "retry-after-ms" -> found[1] = number(value) / 1_000;
        case "x-ratelimit-remaining-requests" -> found[2] = number(value);
        case "x-ratelimit-reset-requests" -> found[3] = duration(value);
        default -> {}
      }
    });
    return new RateLimit(
        head.status(),
        nanos(found[1] >= 0 ? found[1] : found[0]),
        (long) found[2],
        nanos(found[3]));
  }

  private static double number(String text) {
    return NUMBER.matcher(text).matches() ? Double.parseDouble(text) : -1;
  }

  private static double duration(String text) {
    if (NUMBER.matcher(text).matches()) {
      return Double.parseDouble(text);
    }
    double seconds = 0;
    Matcher parts = PART.matcher(text);
    while (parts.find()) {
      double unit =
          switch (parts.group(2).toLowerCase(Locale.ROOT)) {
            case "ms" -> 0.001;
            case "m" -> 60;
            case "h" -> 3_600;
            case "d" -> 86_400;
            default -> 1;
          };
      seconds += Double.parseDouble(parts.group(1)) * unit;
    }
    return seconds;
  }

  private static long nanos(double seconds) {
    return (long) (Math.min(seconds, MOST_SECONDS) * Duration.ofSeconds(1).toNanos());
  }
}
