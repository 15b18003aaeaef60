package dev.meanwhile.server.config;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One thing that can be configured, declared once: reading, validating, help and documentation all
/// come from here.
///
/// @param description one line
/// @param defaultText the default, for people
/// @param fallback the default; null if there is none
/// @param required whether it must be given
record Option<T>(
    String name,
    Type<T> type,
    String description,
    String defaultText,
    @Nullable Supplier<T> fallback,
    boolean required) {

  /// An option whose default can be written as a user would write it.
  static <T> Option<T> of(String name, Type<T> type, String byDefault, String description) {
    T value = type.parser().parse(byDefault);
    return new Option<>(name, type, description, byDefault, () -> value, false);
  }

  /// An option whose default depends on the machine, or is worth explaining.
  static <T> Option<T> computed(
      String name, Type<T> type, Supplier<T> fallback, String byDefault, String description) {
    return new Option<>(name, type, description, byDefault, fallback, false);
  }

  /// An option that may be absent.
  static <T> Option<T> optional(String name, Type<T> type, String byDefault, String description) {
    return new Option<>(name, type, description, byDefault, null, false);
  }

  static <T> Option<T> required(String name, Type<T> type, String description) {
    return new Option<>(name, type, description, "required", null, true);
  }

  OptionInfo info(boolean inFile) {
    return new OptionInfo(name, type.placeholder(), description, defaultText, inFile);
  }
}
