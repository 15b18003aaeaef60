package dev.meanwhile.budget;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// What the user of an operation tolerates; more than zero where it is said.
///
/// @param total to the whole answer; null: open
/// @param firstToken to the first content of a streamed answer; null: open
public record Budget(@Nullable Duration total, @Nullable Duration firstToken) {
  /// Whether work that nobody waits for has ended late; times are milliseconds since 1970.
  ///
  /// @param millis its budget, 0 if it has none
  public static boolean isLate(long millis, long createdAt, long endedAt) {
    return millis > 0 && endedAt - createdAt >= millis;
  }
}
