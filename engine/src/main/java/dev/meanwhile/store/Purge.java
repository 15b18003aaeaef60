package dev.meanwhile.store;

import java.util.HexFormat;

/// Answers are not to be given any more that have a tag, or a key, and whose log began before this.
///
/// @param what the tag, or [#ofKey]
/// @param number higher than that of each earlier purge, of whatever, on any node
public record Purge(String what, long number) {
  /// What all answers are.
  public static final String ALL = "*";

  private static final String KEY = "key ";

  /// What the answer of this key is.
  public static String ofKey(byte[] key) {
    return KEY + HexFormat.of().formatHex(key);
  }

  /// Whether it is of one key.
  public boolean isOfKey() {
    return what.startsWith(KEY);
  }

  /// The key that it is of, in hexadecimal digits; only if it is of one.
  public String key() {
    return what.substring(KEY.length());
  }
}
