package dev.meanwhile.simulator;

import tools.jackson.databind.json.JsonMapper;

/// The one reader and writer of JSON: each takes 30 ms to make when the process starts.
final class Json {
  static final JsonMapper MAPPER = new JsonMapper();

  private Json() {}

  /// A text as it stands inside a JSON string.
  static String escaped(String text) {
    String quoted = MAPPER.writeValueAsString(text);
    return quoted.substring(1, quoted.length() - 1);
  }
}
