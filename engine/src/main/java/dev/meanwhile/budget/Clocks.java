package dev.meanwhile.budget;

import java.time.Duration;

/// How long an attempt may take, each counted on a clock of its own; all more than zero.
///
/// @param connect until there is a connection and the request is on its way
/// @param firstContent until the first event with content; only where a stream was asked for
/// @param between without a single byte, once content has come
/// @param total from the start to the end
public record Clocks(Duration connect, Duration firstContent, Duration between, Duration total) {
  /// Never stricter than an SDK.
  public static final Clocks DEFAULT =
      new Clocks(
          Duration.ofSeconds(5),
          Duration.ofMinutes(10),
          Duration.ofMinutes(5),
          Duration.ofHours(1));

  public Clocks {
    for (Duration each : new Duration[] {connect, firstContent, between, total}) {
      if (!each.isPositive()) {
        throw new IllegalArgumentException("a clock of " + each);
      }
    }
  }
}
