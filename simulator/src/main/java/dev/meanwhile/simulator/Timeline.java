package dev.meanwhile.simulator;

import org.jspecify.annotations.Nullable;

/// When each token of an answer is due, in nanoseconds after the call came.
///
/// @param first when the first token is due
/// @param gap between the tokens of the first [#USUAL]
/// @param later between the tokens after those
record Timeline(long first, long gap, long later) {
  /// The length of an answer, in tokens, when the caller does not say.
  static final int USUAL = 40;

  private static final long MILLI = 1_000_000;
  private static final long PACE = 25 * MILLI;

  /// What the draw means for this model: the time to the first token (`sim-standard`), or the whole
  /// answer of 40 tokens with the first at 40 % of it.
  static Timeline of(Model model, Draw draw) {
    long drawn = draw.millis() * MILLI;
    return switch (model) {
      case STANDARD -> new Timeline(drawn, PACE, PACE);
      case FAST, COMPLEX, VISION -> {
        long first = draw.millis() * 2 / 5 * MILLI;
        yield new Timeline(first, (drawn - first) / (USUAL - 1), PACE);
      }
      case EMBEDDING -> new Timeline(drawn, 0, 0);
    };
  }

  /// The same with what the caller fixed, in milliseconds.
  Timeline with(@Nullable Long firstMillis, @Nullable Double tokenMillis) {
    long newFirst = firstMillis == null ? first : firstMillis * MILLI;
    if (tokenMillis == null) {
      return new Timeline(newFirst, gap, later);
    }
    long pace = Math.round(tokenMillis * MILLI);
    return new Timeline(newFirst, pace, pace);
  }

  /// When token `index` (from 0) is due.
  long at(int index) {
    int usual = Math.min(index, USUAL - 1);
    return first + usual * gap + (long) (index - usual) * later;
  }

  /// When an answer of so many tokens is whole.
  long total(int tokens) {
    return at(Math.max(0, tokens - 1));
  }

  static long millis(long nanos) {
    return Math.round((double) nanos / MILLI);
  }
}
