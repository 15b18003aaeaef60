package dev.meanwhile.cache;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.HexFormat;

/// What makes two requests the same: 256 bits of a digest, cheap to compare.
public record Key(long a, long b, long c, long d) {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /// The same key, written out.
  ///
  /// @throws IllegalArgumentException if it is none
  public static Key parse(String text) {
    return of(HexFormat.of().parseHex(text));
  }

  /// 64 hexadecimal digits.
  @Override
  public String toString() {
    var hex = HexFormat.of();
    return hex.toHexDigits(a) + hex.toHexDigits(b) + hex.toHexDigits(c) + hex.toHexDigits(d);
  }

  /// The digest that it is.
  public byte[] bytes() {
    byte[] digest = new byte[32];
    LONGS.set(digest, 0, a);
    LONGS.set(digest, 8, b);
    LONGS.set(digest, 16, c);
    LONGS.set(digest, 24, d);
    return digest;
  }

  /// The key that a digest of 32 bytes is.
  public static Key of(byte[] digest) {
    if (digest.length != 32) {
      throw new IllegalArgumentException(digest.length + " bytes, not 32");
    }
    return new Key(
        (long) LONGS.get(digest, 0),
        (long) LONGS.get(digest, 8),
        (long) LONGS.get(digest, 16),
        (long) LONGS.get(digest, 24));
  }
}
