package dev.meanwhile.server;

import org.jspecify.annotations.Nullable;

/// A request that is not done, and why: an answer of its own rather than a fault.
public final class Refusal extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final int status;
  private final String code;
  private final @Nullable String param;

  /// @param status the HTTP status, 400 to 599
  /// @param code a stable name for programs
  /// @param message what is wrong and what to do; goes to the caller
  /// @param param the name of the member or header that is wrong, or null
  public Refusal(int status, String code, String message, @Nullable String param) {
    super(message, null, false, false);
    this.status = status;
    this.code = code;
    this.param = param;
  }

  public Refusal(int status, String code, String message) {
    this(status, code, message, null);
  }

  public int status() {
    return status;
  }

  public String code() {
    return code;
  }

  public @Nullable String param() {
    return param;
  }

  /// What is wrong and what to do.
  public String text() {
    return String.valueOf(getMessage());
  }
}
