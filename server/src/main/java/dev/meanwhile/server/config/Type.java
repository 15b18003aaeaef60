package dev.meanwhile.server.config;

import org.jspecify.annotations.Nullable;

/// A kind of value: how it is parsed, and how it is explained to somebody who got it wrong.
///
/// @param placeholder how help shows it, such as `<duration>`
/// @param expected completes "expected …"
/// @param example a right value
/// @param secret whether errors must not repeat what was written
/// @param shape how the file writes it
/// @param parser fails with an [IllegalArgumentException], of which only a [Wrong] is quoted
record Type<T>(
    String placeholder,
    String expected,
    String example,
    boolean secret,
    Shape shape,
    Parser<T> parser) {
  /// How the file writes a value.
  enum Shape {
    /// As one text.
    SCALAR,
    /// As one text, or as a list whose elements are parsed alone.
    LIST,
    /// As any YAML, which is parsed as the JSON that it stands for.
    JSON,
    /// As a section or a list of its own, with a table of its own.
    NESTED
  }

  interface Parser<T> {
    T parse(String text);
  }

  static <T> Type<T> of(String placeholder, String expected, String example, Parser<T> parser) {
    return new Type<>(placeholder, expected, example, false, Shape.SCALAR, parser);
  }

  /// What is read by a table of its own.
  static Type<String> nested(String placeholder, String expected) {
    return new Type<>(placeholder, expected, placeholder, false, Shape.NESTED, text -> text);
  }

  Type<T> asSecret() {
    return new Type<>(placeholder, expected, example, true, shape, parser);
  }

  Type<T> asList() {
    return new Type<>(placeholder, expected, example, secret, Shape.LIST, parser);
  }

  Type<T> asJson() {
    return new Type<>(placeholder, expected, example, secret, Shape.JSON, parser);
  }

  /// Parses a text.
  ///
  /// @return null if the text is wrong, which has then been told to `errors`
  @Nullable T read(Text text, Errors errors) {
    try {
      if (!text.value().isEmpty()) {
        return parser.parse(text.value());
      }
      errors.add(text.place(), wanted() + ", but it is empty");
    } catch (Wrong wrong) {
      errors.add(text.place(), wanted() + "; " + wrong.reason());
    } catch (IllegalArgumentException _) {
      errors.add(text.place(), wanted() + found(text));
    }
    return null;
  }

  String wanted() {
    return "expected " + expected + ", such as " + example;
  }

  private String found(Text text) {
    if (text.hidden()) {
      return "; what is there is not shown, since it comes from the environment";
    }
    if (secret) {
      return "; what is there is not shown, since it may be secret";
    }
    return ", but found " + Errors.quote(text.value());
  }
}
