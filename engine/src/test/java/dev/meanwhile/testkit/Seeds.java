package dev.meanwhile.testkit;

import java.util.SplittableRandom;
import java.util.function.Consumer;

/// Runs a property once for each of many seeds. A failure names its seed; `-Dseed=…` then runs that
/// one alone.
public final class Seeds {
  private Seeds() {}

  /// Runs the property with `count` seeds, from 0: the same ones in every build.
  ///
  /// @throws AssertionError with the seed in its message and the failure as its cause
  public static void check(int count, Consumer<SplittableRandom> property) {
    Long only = Long.getLong("seed");
    if (only != null) {
      one(only, property);
      return;
    }
    for (long seed = 0; seed < count; seed++) {
      one(seed, property);
    }
  }

  private static void one(long seed, Consumer<SplittableRandom> property) {
    try {
      property.accept(new SplittableRandom(seed));
    } catch (RuntimeException | Error e) {
      throw new AssertionError("seed " + seed + " (replay: -Dseed=" + seed + "): " + e, e);
    }
  }

  /// One of them.
  @SafeVarargs
  public static <T> T pick(SplittableRandom random, T... choices) {
    return choices[random.nextInt(choices.length)];
  }

  /// Calls `piece` with the bounds of random pieces that cover 0 to `length`; some are empty.
  public static void split(SplittableRandom random, int length, Bounds piece) {
    int most = pick(random, 1, 3, 40, 5000);
    int at = 0;
    while (at < length) {
      int to = Math.min(length, at + random.nextInt(most + 1));
      piece.accept(at, to);
      at = to;
    }
  }

  /// Takes a part, from inclusive to exclusive.
  public interface Bounds {
    void accept(int from, int to);
  }
}
