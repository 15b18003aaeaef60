package dev.meanwhile.server.config;

import java.util.List;

/// The configuration cannot be used. Carries every mistake that was found, not only the first; no
/// message repeats a secret or what came from the environment.
public final class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  @SuppressWarnings("serial") // an immutable list of strings, which is serializable
  private final List<String> errors;

  ConfigException(List<String> errors) {
    super(String.join("\n", errors));
    this.errors = List.copyOf(errors);
  }

  /// The mistakes, one line each: those of the file in its order, then variables, then flags.
  public List<String> errors() {
    return errors;
  }
}
