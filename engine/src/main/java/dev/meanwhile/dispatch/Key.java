package dev.meanwhile.dispatch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// What makes two requests the same: 256 bits of a digest, cheap to compare.
public record Key(long a, long b, long c, long d) {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

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
