package dev.meanwhile.server.config;

/// A value that cannot be used, for a reason worth telling. The message never repeats the value,
/// which may be secret.
final class Wrong extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  Wrong(String reason) {
    super(reason);
  }

  String reason() {
    return String.valueOf(getMessage());
  }
}
