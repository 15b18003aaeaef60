package dev.meanwhile.prefetch;

import java.util.List;

/// What the prefetch of an operation did so far and why; counts are since its start.
///
/// @param reads how often any key was read, and `hits` how often there was a fresh answer
/// @param prefetched how many prefetches were decided: `read`, `wasted` (expired, or purged, before
///   anyone read it), `failed`, and those still `open`
/// @param wasteRatio wasted of read and wasted, older ones counting less, 0 to 1
/// @param tokensLastHour tokens spent in the last 60 to 61 minutes, and in all `tokensSpent`
/// @param secondsSaved what the first readers of prefetched answers would have waited for them
/// @param belowProbability how often a key was not fetched as it is not likely enough to be read,
///   `overTokens` as it would exceed the tokens per hour, `overWaste` as too many might be wasted
/// @param keys how many keys are remembered
/// @param latest the latest decisions, newest last
/// @param calibration what scores have meant so far
public record Explanation(
    long reads,
    long hits,
    long prefetched,
    long read,
    long wasted,
    long failed,
    long open,
    double wasteRatio,
    long tokensLastHour,
    long tokensSpent,
    double secondsSaved,
    long belowProbability,
    long overTokens,
    long overWaste,
    int keys,
    List<Decision> latest,
    List<Bin> calibration) {
  /// The part of all reads that found a fresh answer, 0 to 1; 0 while there are none.
  public double hitRatio() {
    return reads == 0 ? 0 : (double) hits / reads;
  }

  /// What the forecasts of one bin said and what came of them.
  ///
  /// @param idle how long ago, in lifetimes, those keys had been visited at least
  /// @param score the lower end of the bin's scores, 0 to 1
  /// @param probability what is made of such a score, 0 to 1
  /// @param forecasts how many of them are remembered (older ones count less)
  /// @param observed the part of them that was read, 0 to 1
  public record Bin(
      double idle, double score, double probability, double forecasts, double observed) {}
}
