package dev.meanwhile.server.config;

import dev.meanwhile.openai.JsonText;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Single values of YAML as JSON.
final class JsonScalars {
  private static final Pattern NUMBER =
      Pattern.compile("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?");
  private static final Pattern LIKE_A_NUMBER =
      Pattern.compile("[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?|0[xo][0-9A-Fa-f]+");

  private JsonScalars() {}

  static String quoted(String text) {
    return JsonText.quoted(text);
  }

  /// The value as JSON, or null if it looks like a number and is none in JSON.
  ///
  /// @param plain whether it stands there without quotes
  static @Nullable String of(String text, boolean plain) {
    if (!plain) {
      return quoted(text);
    }
    boolean word = text.equals("true") || text.equals("false") || text.equals("null");
    if (word || NUMBER.matcher(text).matches()) {
      return text;
    }
    if (text.isEmpty()) {
      return "null";
    }
    return LIKE_A_NUMBER.matcher(text).matches() ? null : quoted(text);
  }
}
