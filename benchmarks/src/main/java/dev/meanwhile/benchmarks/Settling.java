package dev.meanwhile.benchmarks;

/// Decides when a server is warm: when its cost changed little from window to window, twice
/// running. Not thread-safe.
final class Settling {
  private static final double LITTLE = 0.1;
  private static final int TIMES = 2;

  private double previous = Double.NaN;
  private int steady;

  /// Takes the cost of the next window, in any unit, and returns whether it has settled. A window
  /// without a cost, NaN or infinite, begins anew.
  boolean settled(double cost) {
    steady = Math.abs(cost - previous) <= LITTLE * previous ? steady + 1 : 0;
    previous = cost;
    return steady >= TIMES;
  }
}
