package dev.meanwhile.notify;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// When a notice that did not arrive is sent again: Standard Webhooks' schedule.
final class Schedule {
  /// From one try to the next.
  private static final List<Duration> PAUSES =
      List.of(
          Duration.ofSeconds(5),
          Duration.ofMinutes(5),
          Duration.ofMinutes(30),
          Duration.ofHours(2),
          Duration.ofHours(5),
          Duration.ofHours(10),
          Duration.ofHours(14),
          Duration.ofHours(20),
          Duration.ofHours(24));

  /// How far a pause may be from its length, so that not all that failed comes back at once.
  private static final double JITTER = 0.2;

  /// An endpoint that wants to be left alone for longer is asked again after this.
  private static final Duration LONGEST = Duration.ofHours(24);

  private Schedule() {}

  /// How long to wait after so many tries, or null if that was the last.
  ///
  /// @param dice 0 to below 1
  /// @param atLeast what the endpoint asked for, or null
  static @Nullable Duration pause(int tries, double dice, @Nullable Duration atLeast) {
    if (tries > PAUSES.size()) {
      return null;
    }
    long millis = PAUSES.get(tries - 1).toMillis();
    var pause = Duration.ofMillis((long) (millis * (1 - JITTER + 2 * JITTER * dice)));
    if (atLeast == null) {
      return pause;
    }
    Duration asked = atLeast.compareTo(LONGEST) < 0 ? atLeast : LONGEST;
    return asked.compareTo(pause) > 0 ? asked : pause;
  }
}
