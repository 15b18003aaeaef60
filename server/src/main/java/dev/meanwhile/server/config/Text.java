package dev.meanwhile.server.config;

/// A value as it was written.
///
/// @param value what was written, variables already substituted
/// @param place where
/// @param hidden whether it came from the environment, so that no error may repeat it
record Text(String value, Place place, boolean hidden) {
  @Override
  public String toString() {
    return place.text();
  }
}
