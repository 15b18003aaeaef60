package dev.meanwhile.simulator;

import java.util.SplittableRandom;

/// A log-normal distribution named by its 5th and 95th percentile, the way latencies are told.
record LogNormal(double p5, double p95) {
  /// The 95th percentile of the standard normal distribution.
  private static final double Z95 = 1.6448536269514722;

  double median() {
    return Math.sqrt(p5 * p95);
  }

  double sigma() {
    return Math.log(p95 / p5) / (2 * Z95);
  }

  double draw(SplittableRandom random) {
    return median() * Math.exp(sigma() * random.nextGaussian());
  }
}
