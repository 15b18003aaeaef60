package dev.meanwhile.server.route;

import dev.meanwhile.server.Refusal;
import io.vertx.core.MultiMap;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads `Prefer` (RFC 7240). Fractions of a second are an extension of ours.
final class Prefer {
  /// Longer than any proxy waits by default is of no use.
  private static final double MOST = 300;

  private static final Pattern WAIT =
      Pattern.compile("(?:^|[,;\\s])wait\\s*=\\s*\"?([^\",;\\s]*)", Pattern.CASE_INSENSITIVE);
  private static final Pattern SECONDS = Pattern.compile("\\d{1,9}(\\.\\d{1,9})?");

  private static final Pattern ASYNC =
      Pattern.compile("(?:^|[,;\\s])respond-async(?:$|[,;\\s])", Pattern.CASE_INSENSITIVE);

  private Prefer() {}

  /// Whether the caller takes 202.
  static boolean respondAsync(MultiMap headers) {
    return headers.getAll("prefer").stream().anyMatch(prefer -> ASYNC.matcher(prefer).find());
  }

  /// Whether the caller says how long it is ready to wait.
  static boolean says(MultiMap headers) {
    return headers.getAll("prefer").stream().anyMatch(prefer -> WAIT.matcher(prefer).find());
  }

  /// How long the caller is ready to wait: 0 if it does not say, 300 s at most.
  ///
  /// @throws Refusal 400 if what it says is no number
  static Duration wait(MultiMap headers) {
    for (String prefer : headers.getAll("prefer")) {
      Matcher matcher = WAIT.matcher(prefer);
      if (matcher.find()) {
        String seconds = matcher.group(1);
        if (!SECONDS.matcher(seconds).matches()) {
          throw new Refusal(
              400,
              "invalid_prefer",
              "`wait` in the Prefer header is a number of seconds, such as wait=20 or wait=0.3.",
              "Prefer");
        }
        return Duration.ofNanos((long) (Math.min(MOST, Double.parseDouble(seconds)) * 1e9));
      }
    }
    return Duration.ZERO;
  }

  /// A time as the header says it, in seconds: `20`, `0.3`.
  static String text(Duration wait) {
    return BigDecimal.valueOf(wait.toNanos(), 9).stripTrailingZeros().toPlainString();
  }
}
