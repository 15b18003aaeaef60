package dev.meanwhile.prefetch;

/// A sum whose parts count half as much after each half-life: what is left of it at time `t` is the
/// sum of `x·2^(-(t - s)/h)` over all `x` added at `s` (exponential decay; Cormode et al., *Forward
/// Decay*, ICDE 2009). Times must not go back.
final class Fading {
  private final double halfLife;
  private double sum;
  private double at;

  Fading(double halfLife) {
    this.halfLife = halfLife;
  }

  void add(double amount, double now) {
    sum = at(now) + amount;
    at = now;
  }

  double at(double now) {
    return sum * Math.pow(0.5, (now - at) / halfLife);
  }

  /// The time since `start` as such a sum sees it: the integral of `2^(-(now - s)/h)` from `start`.
  static double time(double start, double now, double halfLife) {
    return halfLife / Math.log(2) * (1 - Math.pow(0.5, (now - start) / halfLife));
  }
}
