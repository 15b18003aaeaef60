package dev.meanwhile.benchmarks;

import java.nio.ByteBuffer;

/// The text of a streamed token, `@00042.0001234567890123456`: its number in the stream, and the
/// [System#nanoTime] at which the origin sent it.
final class Token {
  private static final int NUMBER_DIGITS = 5;
  private static final int TIME_DIGITS = 19;

  /// A token of number 0 and time 0, to be filled in by [#fill].
  static final String BLANK = "@" + "0".repeat(NUMBER_DIGITS) + "." + "0".repeat(TIME_DIGITS);

  private Token() {}

  /// Writes number and time over the blank token that begins at this index.
  static void fill(ByteBuffer bytes, int index, int number, long time) {
    digits(bytes, index + NUMBER_DIGITS, NUMBER_DIGITS, number);
    digits(bytes, index + NUMBER_DIGITS + 1 + TIME_DIGITS, TIME_DIGITS, time);
  }

  private static void digits(ByteBuffer bytes, int last, int count, long value) {
    var rest = value;
    for (var i = last; i > last - count; i--) {
      bytes.put(i, (byte) ('0' + rest % 10));
      rest /= 10;
    }
  }

  /// What is told of each token found.
  @FunctionalInterface
  interface Sink {
    void token(int number, long sentAt);
  }

  /// Finds the tokens in the bytes of a body, however they are cut. Elsewhere in the body there
  /// must be no `@`.
  static final class Scanner {
    private final Sink sink;
    private boolean inToken;
    private int number;
    private long value;

    Scanner(Sink sink) {
      this.sink = sink;
    }

    /// Consumes all bytes.
    void feed(ByteBuffer bytes) {
      while (bytes.hasRemaining()) {
        var next = bytes.get();
        if (next == '@') {
          inToken = true;
          value = 0;
        } else if (inToken) {
          take(next);
        }
      }
    }

    private void take(byte next) {
      if (next == '.') {
        number = (int) value;
        value = 0;
      } else if (next >= '0' && next <= '9') {
        value = value * 10 + next - '0';
      } else {
        inToken = false;
        sink.token(number, value);
      }
    }
  }
}
