package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.log.Terminal.Failure;
import org.jspecify.annotations.Nullable;

/// Errors in the shape that OpenAI's SDKs read: `{"error": {message, type, param, code}}`, always
/// with all four members.
///
/// The type follows from the HTTP status: 401 `authentication_error`, 403 `permission_error`, 429
/// `rate_limit_error`, 500 and above `server_error`, all others `invalid_request_error`.
public final class ErrorBody {
  private ErrorBody() {}

  /// An error as a JSON body, on one line.
  ///
  /// @param status the HTTP status it is sent with, or would be
  /// @param message what happened and what to do
  /// @param param the request's member that is to blame, or null
  /// @param code a stable name for programs, or null
  public static byte[] of(
      int status, String message, @Nullable String param, @Nullable String code) {
    String body =
        "{\"error\":{\"message\":"
            + Json.quote(message)
            + ",\"type\":"
            + Json.quote(type(status))
            + ",\"param\":"
            + quote(param)
            + ",\"code\":"
            + quote(code)
            + "}}";
    return body.getBytes(UTF_8);
  }

  /// A log's failure as a JSON body.
  public static byte[] of(Failure failure) {
    return of(failure.status(), failure.message(), null, failure.code());
  }

  /// The `code` of an error in a body that somebody sent, or null if it has none.
  public static @Nullable String code(byte[] body) {
    String error = JsonText.member(body, "error");
    String code = error == null ? null : JsonText.member(error.getBytes(UTF_8), "code");
    return code == null || code.length() < 2 || code.charAt(0) != '"'
        ? null
        : code.substring(1, code.length() - 1);
  }

  private static String type(int status) {
    return switch (status) {
      case 401 -> "authentication_error";
      case 403 -> "permission_error";
      case 429 -> "rate_limit_error";
      default -> status >= 500 ? "server_error" : "invalid_request_error";
    };
  }

  private static String quote(@Nullable String text) {
    return text == null ? "null" : Json.quote(text);
  }
}
