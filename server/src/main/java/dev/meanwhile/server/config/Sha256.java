package dev.meanwhile.server.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/// The SHA-256 of a credential. Immutable; equality takes the same time for any two hashes.
public final class Sha256 {
  private static final int BYTES = 32;
  private final byte[] bytes;

  private Sha256(byte[] bytes) {
    this.bytes = bytes;
  }

  /// The hash of a credential as it came.
  public static Sha256 of(String credential) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return new Sha256(digest.digest(credential.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no SHA-256, which every Java must have", e);
    }
  }

  /// A hash that was written down.
  ///
  /// @param hex 64 hexadecimal digits, of either case
  /// @throws IllegalArgumentException if it is anything else; the message does not repeat it
  public static Sha256 parse(String hex) {
    if (hex.length() != 2 * BYTES || !hex.chars().allMatch(HexFormat::isHexDigit)) {
      throw new IllegalArgumentException("a SHA-256 is 64 hexadecimal digits");
    }
    return new Sha256(HexFormat.of().parseHex(hex));
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Sha256 that && MessageDigest.isEqual(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /// 64 lower-case hexadecimal digits.
  @Override
  public String toString() {
    return HexFormat.of().formatHex(bytes);
  }
}
