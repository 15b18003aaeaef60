package dev.meanwhile.simulator;

import tools.jackson.databind.json.JsonMapper;

/// The one reader and writer of JSON: each takes 30 ms to make when the process starts.
final class Json {
  static final JsonMapper MAPPER = new JsonMapper();

  private Json() {}
}
