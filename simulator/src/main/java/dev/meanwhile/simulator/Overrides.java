package dev.meanwhile.simulator;

import io.vertx.core.MultiMap;
import org.jspecify.annotations.Nullable;

/// What a caller fixed by headers; null where it did not.
///
/// @param firstMillis the time to the first token
/// @param tokenMillis the time between tokens
/// @param tokens the length of the answer
record Overrides(
    @Nullable Long firstMillis,
    @Nullable Double tokenMillis,
    @Nullable Integer tokens,
    @Nullable Fault fault) {
  private static final double LONGEST = 86_400_000;
  private static final int MOST = 1_000_000;

  /// @throws ApiError 400 if a header is malformed
  static Overrides of(MultiMap headers) {
    Double first = number(headers, "x-sim-first-token-ms", LONGEST);
    Double tokens = number(headers, "x-sim-tokens", MOST);
    return new Overrides(
        first == null ? null : Math.round(first),
        number(headers, "x-sim-token-ms", LONGEST),
        tokens == null ? null : tokens.intValue(),
        fault(headers));
  }

  private static @Nullable Double number(MultiMap headers, String name, double most) {
    String value = headers.get(name);
    if (value == null) {
      return null;
    }
    try {
      double number = Double.parseDouble(value);
      if (number >= 0 && number <= most) {
        return number;
      }
    } catch (NumberFormatException _) {
      // Answered below.
    }
    throw ApiError.invalid(
        name + " is '" + value + "'; it must be a number from 0 to " + (long) most, name);
  }

  private static @Nullable Fault fault(MultiMap headers) {
    String value = headers.get("x-sim-fault");
    if (value == null) {
      return null;
    }
    try {
      return Fault.parse(value);
    } catch (IllegalArgumentException e) {
      throw ApiError.invalid("In x-sim-fault: " + e.getMessage(), "x-sim-fault");
    }
  }
}
