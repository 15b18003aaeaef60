package dev.meanwhile.server.config;

import java.net.URI;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What an operation declares it will be asked: all combinations of the values of its variables.
///
/// @param values of variables, as JSON, in the order written
/// @param sources of the values of others, by file: or http URLs; those of one source come row by
///   row
public record Over(Map<String, List<String>> values, Map<String, URI> sources) {
  /// The most combinations.
  public static final int MOST = 100_000;

  public Over {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    sources = Collections.unmodifiableMap(new LinkedHashMap<>(sources));
  }
}
