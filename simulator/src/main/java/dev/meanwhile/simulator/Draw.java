package dev.meanwhile.simulator;

import java.util.SplittableRandom;

/// One latency, drawn: a log-normal body with 3 % stragglers and 0.1 % stalls.
///
/// @param millis at least 1
/// @param kind which part of the mixture it came from
record Draw(long millis, Kind kind) {
  /// The parts of the mixture.
  enum Kind {
    BODY,
    STRAGGLER,
    STALL
  }

  private static final double STALLS = 0.001;
  private static final double STRAGGLERS = 0.03;
  private static final double STRAGGLER_MEDIAN = 5;
  private static final double STRAGGLER_SIGMA = 0.5;
  private static final int SHORTEST_STALL = 30_000;
  private static final int LONGEST_STALL = 60_000;

  /// The latency of a model's call.
  static Draw of(LogNormal body, SplittableRandom random) {
    double part = random.nextDouble();
    if (part < STALLS) {
      return new Draw(random.nextLong(SHORTEST_STALL, LONGEST_STALL + 1), Kind.STALL);
    }
    double millis = body.draw(random);
    if (part < STALLS + STRAGGLERS) {
      double factor = STRAGGLER_MEDIAN * Math.exp(STRAGGLER_SIGMA * random.nextGaussian());
      return new Draw(whole(millis * factor), Kind.STRAGGLER);
    }
    return new Draw(whole(millis), Kind.BODY);
  }

  /// The latency of something that never straggles, such as a database in the same house.
  static Draw steady(LogNormal body, SplittableRandom random) {
    return new Draw(whole(body.draw(random)), Kind.BODY);
  }

  private static long whole(double millis) {
    return Math.max(1, Math.round(millis));
  }
}
