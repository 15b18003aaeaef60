package dev.meanwhile.prefetch;

import java.util.List;
import java.util.Locale;

/// A key that should be fetched now.
///
/// @param key the values of its dimensions
/// @param at when this was decided, in milliseconds since 1970
/// @param probability that it is read before the new answer would expire, 0 to 1, calibrated; NaN
///   if nobody asked for that: it is declared
/// @param visits how many visits are expected in that time by its own past and its values' shares;
///   several reads within a tenth of `max-age` are one visit
/// @param tokens what was set aside for it
public record Decision(List<String> key, long at, double probability, double visits, long tokens) {
  /// The reason in one sentence.
  public String why() {
    if (Double.isNaN(probability)) {
      return "declared";
    }
    return String.format(
        Locale.ROOT,
        "%.1f visits expected before it would expire; %.0f %% of such keys are read",
        visits,
        100 * probability);
  }
}
