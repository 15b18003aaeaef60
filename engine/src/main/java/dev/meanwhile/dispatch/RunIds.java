package dev.meanwhile.dispatch;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;

/// Makes ids of runs: `run_` and 26 letters and digits that sort by time (48 bits of milliseconds,
/// then 80 random bits, as a ULID). Only on one loop.
final class RunIds {
  private static final byte[] LETTERS =
      "0123456789abcdefghjkmnpqrstvwxyz".getBytes(StandardCharsets.US_ASCII);

  private final SecureRandom random = new SecureRandom();
  private final byte[] pool = new byte[4000];
  private int used = pool.length;

  /// The next id of a run.
  String next(long millis) {
    return next("run_", millis);
  }

  /// The id of a run that was accepted together with `other`, the same for the same digest of at
  /// least 10 bytes.
  static String beside(String other, byte[] digest) {
    byte[] id = other.getBytes(StandardCharsets.ISO_8859_1);
    letters(digest, 0, id);
    return new String(id, StandardCharsets.ISO_8859_1);
  }

  /// The next id that begins with `prefix`, of 4 letters.
  String next(String prefix, long millis) {
    if (used == pool.length) {
      random.nextBytes(pool);
      used = 0;
    }
    byte[] id = new byte[30];
    for (int i = 0; i < 4; i++) {
      id[i] = (byte) prefix.charAt(i);
    }
    for (int i = 9; i >= 0; i--) {
      id[4 + i] = LETTERS[(int) (millis & 31)];
      millis >>>= 5;
    }
    letters(pool, used, id);
    used += 10;
    return new String(id, StandardCharsets.ISO_8859_1);
  }

  /// Writes 10 bytes of `bits` as the last 16 letters of an id.
  private static void letters(byte[] bits, int from, byte[] id) {
    for (int half = 0; half < 2; half++) {
      long five = 0;
      for (int i = 0; i < 5; i++) {
        five = five << 8 | bits[from + half * 5 + i] & 0xff;
      }
      for (int i = 0; i < 8; i++) {
        id[14 + half * 8 + i] = LETTERS[(int) (five & 31)];
        five >>>= 5;
      }
    }
  }
}
