package dev.meanwhile.server.config;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What was given for the options of one section. For one thread.
final class Values {
  private record Given(Object value, Place place) {}

  private final Map<Option<?>, Given> given = new HashMap<>();
  private final Set<Option<?>> written = new HashSet<>();

  /// Reads a value; one that is wrong is told to `errors` and leaves what was there before.
  <T> void read(Option<T> option, Text text, Errors errors) {
    written.add(option);
    T value = option.type().read(text, errors);
    if (value != null) {
      given.put(option, new Given(value, text.place()));
    }
  }

  /// Notes an option that was written in a way that could not even be read as text.
  void spoilt(Option<?> option) {
    written.add(option);
  }

  /// Whether a value was written, right or wrong.
  boolean written(Option<?> option) {
    return written.contains(option);
  }

  /// Where the value in force was written.
  Optional<Place> place(Option<?> option) {
    return Optional.ofNullable(given.get(option)).map(Given::place);
  }

  /// The value given, else the default.
  ///
  /// @throws NoSuchElementException if there is neither
  <T> T get(Option<T> option) {
    T value = find(option);
    if (value == null) {
      throw new NoSuchElementException("no value and no default for " + option.name());
    }
    return value;
  }

  /// The value given, else the default, else null.
  @SuppressWarnings("unchecked") // only read() puts values, and there their type is the option's
  <T> @Nullable T find(Option<T> option) {
    Given value = given.get(option);
    if (value != null) {
      return (T) value.value();
    }
    return option.fallback() == null ? null : option.fallback().get();
  }
}
