package dev.meanwhile.server.config;

import java.util.LinkedHashSet;
import java.util.Set;

/// Collects the mistakes, so that all are told at once. For one thread.
final class Errors {
  private record Mistake(Place place, String problem) {}

  private final Set<Mistake> errors = new LinkedHashSet<>();

  void add(Place place, String problem) {
    errors.add(new Mistake(place, problem));
  }

  boolean isEmpty() {
    return errors.isEmpty();
  }

  /// How many there are, each told once.
  int count() {
    return errors.size();
  }

  ConfigException exception() {
    return new ConfigException(
        errors.stream()
            .sorted((a, b) -> a.place().compareTo(b.place()))
            .map(mistake -> mistake.place().text() + ": " + mistake.problem())
            .toList());
  }

  /// Text as it may stand in an error: in quotes, short, on one line.
  static String quote(String text) {
    int end = text.offsetByCodePoints(0, Math.min(24, text.codePointCount(0, text.length())));
    StringBuilder quoted = new StringBuilder("'");
    text.substring(0, end)
        .codePoints()
        .map(c -> Character.isISOControl(c) || Character.getType(c) == Character.FORMAT ? '?' : c)
        .forEach(quoted::appendCodePoint);
    return quoted.append(end < text.length() ? "…'" : "'").toString();
  }
}
