package dev.meanwhile.simulator;

import org.jspecify.annotations.Nullable;

/// An answer that is OpenAI's error object, thrown by whatever finds the reason.
final class ApiError extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int status;
  private final String type;
  private final @Nullable String param;
  private final @Nullable String code;

  ApiError(int status, String message, String type, @Nullable String param, @Nullable String code) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
  }

  static ApiError invalid(String message, @Nullable String param) {
    return new ApiError(400, message, "invalid_request_error", param, null);
  }

  static ApiError unknownModel(String model) {
    return new ApiError(
        404,
        "The model `" + model + "` does not exist. GET /v1/models lists those that do.",
        "invalid_request_error",
        "model",
        "model_not_found");
  }

  /// What an upstream says when it fails with this status.
  static ApiError simulated(int status) {
    return switch (status) {
      case 401 -> simulated(status, "invalid_request_error", "invalid_api_key");
      case 429 -> simulated(status, "requests", "rate_limit_exceeded");
      default -> simulated(status, status >= 500 ? "server_error" : "invalid_request_error", null);
    };
  }

  private static ApiError simulated(int status, String type, @Nullable String code) {
    return new ApiError(status, "A simulated failure with status " + status, type, null, code);
  }

  int status() {
    return status;
  }

  String json() {
    var error = Json.MAPPER.createObjectNode();
    error
        .putObject("error")
        .put("message", getMessage())
        .put("type", type)
        .put("param", param)
        .put("code", code);
    return error.toString();
  }
}
