package dev.meanwhile.prefetch;

import java.time.Duration;

/// What an operation allows its prefetch.
///
/// @param maxAge how long an answer is fresh, at least a second
/// @param minProbability fetch only what is read with at least this probability, over 0 to 1
/// @param tokensPerHour what all prefetches may spend in any 60 minutes, 0 or more
/// @param wasteMax which part of the prefetched answers may go unread, 0 to 1; 0 means no prefetch
/// @param maxKeys how many keys are remembered, and as many values of each dimension, at least 8
public record Settings(
    Duration maxAge, double minProbability, long tokensPerHour, double wasteMax, int maxKeys) {
  public static final double MIN_PROBABILITY = 0.8;
  public static final double WASTE_MAX = 0.2;
  public static final int MAX_KEYS = 100_000;

  /// @throws IllegalArgumentException naming what is out of its range
  public Settings {
    require(maxAge.compareTo(Duration.ofSeconds(1)) >= 0, "max-age", maxAge, "at least 1s");
    require(
        minProbability > 0 && minProbability <= 1,
        "min-probability",
        minProbability,
        "over 0, at most 1");
    require(tokensPerHour >= 0, "tokens-per-hour", tokensPerHour, "0 or more");
    require(wasteMax >= 0 && wasteMax <= 1, "waste-max", wasteMax, "0 to 1");
    require(maxKeys >= 8, "max-keys", maxKeys, "at least 8");
  }

  /// The defaults for all but what has none.
  public static Settings of(Duration maxAge, long tokensPerHour) {
    return new Settings(maxAge, MIN_PROBABILITY, tokensPerHour, WASTE_MAX, MAX_KEYS);
  }

  private static void require(boolean holds, String name, Object value, String range) {
    if (!holds) {
      throw new IllegalArgumentException(name + " is " + value + ", must be " + range);
    }
  }
}
