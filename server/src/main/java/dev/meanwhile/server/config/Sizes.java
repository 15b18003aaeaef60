package dev.meanwhile.server.config;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Sizes as they are written: `512`, `32KB`, `16MB`, `1GB`, in powers of 1024.
final class Sizes {
  private static final Pattern PARTS = Pattern.compile("(\\d{1,13})(KB|MB|GB)?");
  private static final long GB = 1L << 30;

  private Sizes() {}

  /// A size of something that is held in one piece, at most 1 GB.
  static Type<Integer> piece(String min) {
    return Type.of(
        "<size>",
        expected(min, "1GB"),
        "16MB",
        text -> Math.toIntExact(within(parse(text), parse(min), GB)));
  }

  /// A size of many pieces together, at most 1,024 GB.
  static Type<Long> total() {
    return Type.of(
        "<size>", expected("0", "1024GB"), "512MB", text -> within(parse(text), 0, GB << 10));
  }

  private static String expected(String min, String max) {
    return "a size from " + min + " to " + max + " (bytes, KB, MB or GB, in powers of 1024)";
  }

  private static long within(long size, long min, long max) {
    if (size < min || size > max) {
      throw new IllegalArgumentException("out of range");
    }
    return size;
  }

  static long parse(String text) {
    Matcher parts = PARTS.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException("no size");
    }
    long number = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case null -> number;
      case "KB" -> number << 10;
      case "MB" -> number << 20;
      case String _ -> number << 30;
    };
  }
}
