package dev.meanwhile.server.config;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Durations as they are written: `300ms`, `5s`, `1h30m`, units from the greatest to the smallest.
public final class Durations {
  /// So that milliseconds fit in an `int`, which timers of sockets want.
  private static final int MAX_HOURS = 480;

  /// Of what no timer waits for.
  private static final int LONGEST_HOURS = 100_000;

  private static final Pattern PARTS =
      Pattern.compile("(?:(\\d{1,9})h)?(?:(\\d{1,9})m)?(?:(\\d{1,9})s)?(?:(\\d{1,9})ms)?");

  private Durations() {}

  static Type<Duration> positive() {
    return type(Duration.ofMillis(1), "1ms", MAX_HOURS);
  }

  static Type<Duration> orZero() {
    return type(Duration.ZERO, "0s", MAX_HOURS);
  }

  /// Also one that is longer than a timer can wait.
  static Type<Duration> ofKeeping() {
    return type(Duration.ofMillis(1), "1ms", LONGEST_HOURS);
  }

  private static Type<Duration> type(Duration min, String minText, int hours) {
    String expected = "a duration from " + minText + " to " + hours + "h (units h, m, s, ms)";
    return Type.of("<duration>", expected, "90s or 1h30m", text -> within(parse(text), min, hours));
  }

  private static Duration within(Duration duration, Duration min, int hours) {
    if (duration.compareTo(min) < 0 || duration.compareTo(Duration.ofHours(hours)) > 0) {
      throw new IllegalArgumentException("out of range");
    }
    return duration;
  }

  /// Reads a duration.
  ///
  /// @throws IllegalArgumentException if it is none
  public static Duration parse(String text) {
    Matcher parts = PARTS.matcher(text);
    if (text.isEmpty() || !parts.matches()) {
      throw new IllegalArgumentException("no duration");
    }
    return Duration.ofHours(number(parts.group(1)))
        .plusMinutes(number(parts.group(2)))
        .plusSeconds(number(parts.group(3)))
        .plusMillis(number(parts.group(4)));
  }

  private static long number(@Nullable String digits) {
    return digits == null ? 0 : Long.parseLong(digits);
  }
}
