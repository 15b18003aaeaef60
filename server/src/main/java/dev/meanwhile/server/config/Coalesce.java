package dev.meanwhile.server.config;

/// Which identical calls share one run's log.
public enum Coalesce {
  /// Those whose answers would be the same anyway: embeddings, and temperature 0.
  SAFE,
  /// All: written `true`.
  ALWAYS,
  /// None, except for an SDK's retries: written `false`.
  NEVER
}
