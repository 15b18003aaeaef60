package dev.meanwhile.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/// Traces whose nature is known, the same ones each time.
final class SyntheticTraces {
  private static final long SEED = 5;
  private static final int READS = 60_000;
  private static final double HOUR = Duration.ofHours(1).toMillis();

  private SyntheticTraces() {}

  static List<Trace> all() {
    return List.of(
        zipf("Zipf 0.9, steady", 0),
        zipf("Zipf 0.9, drifting", 300),
        upheaval(),
        daily(),
        uniform());
  }

  /// Ranks by Zipf's law over 10,000 keys, of which the most popular give way to others so that in
  /// the whole trace the popularity has moved on by `drift` keys.
  static Trace zipf(String name, int drift) {
    var random = new SplittableRandom(SEED);
    var ranks = cumulated(10_000);
    var keys = new ArrayList<List<String>>();
    for (var i = 0; i < READS; i++) {
      var moved = (int) ((long) drift * i / READS);
      keys.add(key((draw(random, ranks) * 7_919 + moved * 7_919) % ranks.length));
    }
    return Trace.even(name, keys);
  }

  /// Zipf over 3,000 keys, and over others from the middle on: all that was learned is wrong.
  static Trace upheaval() {
    var random = new SplittableRandom(SEED);
    var ranks = cumulated(3_000);
    var keys = new ArrayList<List<String>>();
    for (var i = 0; i < READS; i++) {
      keys.add(key(draw(random, ranks) + (i < READS / 2 ? 0 : ranks.length)));
    }
    return Trace.even("Zipf 0.9, other keys from the middle on", keys);
  }

  /// Two dimensions of 40 values; by night a tenth of what is read by day. 5 days, lifetime 12 h.
  static Trace daily() {
    var random = new SplittableRandom(SEED);
    var ranks = cumulated(40);
    var lifetime = Duration.ofHours(12);
    var most = lifetime.toMillis() * 10;
    var keys = new ArrayList<List<String>>();
    var times = new ArrayList<Long>();
    for (var at = 0.0; at < most; ) {
      at += -Math.log(1 - random.nextDouble()) * most / READS;
      var busy = 0.55 - 0.45 * Math.cos(2 * Math.PI * at / (24 * HOUR));
      if (random.nextDouble() < busy) {
        keys.add(List.of("a" + draw(random, ranks), "b" + draw(random, ranks)));
        times.add((long) at);
      }
    }
    return new Trace("daily, two dimensions of 40 values", keys, times, lifetime);
  }

  /// 50,000 keys, each read as likely as any other: nothing to be predicted.
  static Trace uniform() {
    var random = new SplittableRandom(SEED);
    var keys = new ArrayList<List<String>>();
    for (var i = 0; i < READS; i++) {
      keys.add(key(random.nextInt(50_000)));
    }
    return Trace.even("uniform over 50,000 keys", keys);
  }

  private static List<String> key(int number) {
    return List.of(Integer.toString(number));
  }

  private static double[] cumulated(int keys) {
    var sums = new double[keys];
    var sum = 0.0;
    for (var i = 0; i < keys; i++) {
      sum += Math.pow(i + 1, -0.9);
      sums[i] = sum;
    }
    return sums;
  }

  private static int draw(SplittableRandom random, double[] sums) {
    var found = Arrays.binarySearch(sums, random.nextDouble() * sums[sums.length - 1]);
    return found >= 0 ? found : -found - 1;
  }
}
