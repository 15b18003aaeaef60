package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

/// JSON strings, decoded and written.
final class Json {
  private static final String HEX = "0123456789abcdef";

  private Json() {}

  static byte[] ascii(String name) {
    return name.getBytes(UTF_8);
  }

  static String text(byte[] utf8) {
    return new String(utf8, UTF_8);
  }

  /// What the inside of a checked JSON string means. Lone surrogates stay what they are; bytes that
  /// are not UTF-8 become U+FFFD.
  static String decode(byte[] bytes, int from, int to) {
    int slash = from;
    while (slash < to && bytes[slash] != '\\') {
      slash++;
    }
    if (slash == to) {
      return new String(bytes, from, to - from, UTF_8);
    }
    StringBuilder out = new StringBuilder(to - from);
    int plain = from;
    while (slash < to) {
      out.append(new String(bytes, plain, slash - plain, UTF_8));
      byte kind = bytes[slash + 1];
      plain = slash + 2;
      switch (kind) {
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'n' -> out.append('\n');
        case 'r' -> out.append('\r');
        case 't' -> out.append('\t');
        case 'u' -> {
          int unit = 0;
          for (int end = plain + 4; plain < end; plain++) {
            unit = unit << 4 | Character.digit(bytes[plain], 16);
          }
          out.append((char) unit);
        }
        default -> out.append((char) kind);
      }
      slash = plain;
      while (slash < to && bytes[slash] != '\\') {
        slash++;
      }
    }
    return out.append(new String(bytes, plain, to - plain, UTF_8)).toString();
  }

  /// The text as a JSON string with its quotes; safe inside SSE lines. A lone surrogate is escaped,
  /// so that it survives UTF-8.
  static String quote(CharSequence text) {
    StringBuilder out = new StringBuilder(text.length() + 8).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ' || c == 0x7f || c == 0x2028 || c == 0x2029 || lone(text, i)) {
        out.append("\\u");
        for (int shift = 12; shift >= 0; shift -= 4) {
          out.append(HEX.charAt(c >> shift & 15));
        }
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString();
  }

  /// Whether the character is half of a pair whose other half is not there.
  static boolean lone(CharSequence text, int i) {
    char c = text.charAt(i);
    if (Character.isHighSurrogate(c)) {
      return i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1));
    }
    return Character.isLowSurrogate(c)
        && (i == 0 || !Character.isHighSurrogate(text.charAt(i - 1)));
  }
}
