package dev.meanwhile.server.auth;

import dev.meanwhile.store.Store;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// The server's own 32 random bytes, which key every HMAC it makes. Thread-safe.
public final class Secret {
  private static final String ALGORITHM = "HmacSHA256";
  private final byte[] bytes;

  private Secret(byte[] bytes) {
    this.bytes = bytes;
  }

  /// A new one.
  public static Secret random() {
    return new Secret(newBytes());
  }

  /// The one that is kept with the data, so that what it keys is the same after a restart.
  public static Secret in(Store store) {
    return new Secret(store.constant("secret", Secret::newBytes));
  }

  /// The one that somebody wrote down: HKDF-Extract (RFC 5869 §2.2) without a salt.
  static Secret written(String text) {
    return new Secret(
        new Secret(new byte[32]).mac().doFinal(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static byte[] newBytes() {
    byte[] bytes = new byte[32];
    new SecureRandom().nextBytes(bytes);
    return bytes;
  }

  /// The secret for one purpose: one step of HKDF-Expand (RFC 5869 §2.3), the secret itself being
  /// uniformly random, so that no extract step is needed.
  public Secret forPurpose(String purpose) {
    byte[] info = purpose.getBytes(StandardCharsets.UTF_8);
    byte[] block = java.util.Arrays.copyOf(info, info.length + 1);
    block[info.length] = 1;
    return new Secret(hmac(block));
  }

  /// The HMAC-SHA256 of the parts, each preceded by its length so that no two lists are alike.
  public byte[] hmac(byte[]... parts) {
    Mac mac = mac();
    for (byte[] part : parts) {
      int length = part.length;
      mac.update((byte) (length >>> 24));
      mac.update((byte) (length >>> 16));
      mac.update((byte) (length >>> 8));
      mac.update((byte) length);
      mac.update(part);
    }
    return mac.doFinal();
  }

  private Mac mac() {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(bytes, ALGORITHM));
      return mac;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no HmacSHA256, which every Java must have", e);
    }
  }
}
