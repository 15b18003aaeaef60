package dev.meanwhile.server.route;

import dev.meanwhile.openai.ErrorBody;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.server.Refusal;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Whole answers, in the shapes of the contract.
public final class Answers {
  private static final Logger LOG = System.getLogger(Answers.class.getName());
  public static final String JSON = "application/json";
  public static final String PROBLEM = "application/problem+json";
  static final String SSE = "text/event-stream; charset=utf-8";

  /// Failures that a second try would only repeat, although their status invites one.
  private static final Set<String> NOT_WORTH_RETRYING =
      Set.of(
          "budget_exceeded",
          "expired",
          "no_store",
          "run_too_large",
          "superseded",
          "upstream_event_too_large",
          "upstream_redirect");

  private Answers() {}

  /// An answer of one piece; nothing happens if the caller is gone.
  public static void send(HttpServerResponse response, int status, String type, byte[] body) {
    if (response.ended() || response.closed()) {
      return;
    }
    response.setStatusCode(status).putHeader("content-type", type);
    if (!response.headers().contains("cache-control")) {
      response.putHeader("cache-control", "no-store");
    }
    response.end(Buffer.buffer(body));
  }

  /// An error in OpenAI's shape.
  public static void error(
      HttpServerResponse response,
      int status,
      String code,
      String message,
      @Nullable String param) {
    if (!response.headWritten()) {
      advise(response, status, code);
    }
    send(response, status, JSON, ErrorBody.of(status, message, param, code));
  }

  /// An error on a native route: problem details (RFC 9457) that also carry OpenAI's `error`.
  static void problem(HttpServerResponse response, int status, String code, String message) {
    advise(response, status, code);
    String error = JsonText.member(ErrorBody.of(status, message, null, code), "error");
    String body =
        "{\"type\":\"about:blank\",\"title\":%s,\"status\":%d,\"detail\":%s,\"error\":%s}"
            .formatted(JsonText.quoted(code), status, JsonText.quoted(message), error);
    send(response, status, PROBLEM, body.getBytes(StandardCharsets.UTF_8));
  }

  static void refuse(HttpServerResponse response, Refusal refusal, boolean isNative) {
    if (isNative) {
      problem(response, refusal.status(), refusal.code(), refusal.text());
    } else {
      error(response, refusal.status(), refusal.code(), refusal.text(), refusal.param());
    }
  }

  /// Whether one of the tags of an `If-None-Match` is this one; a proxy may have made it weak.
  static boolean matches(String known, String etag) {
    for (String tag : known.split(",", -1)) {
      String strong = tag.strip();
      if (strong.equals("*")
          || (strong.startsWith("W/") ? strong.substring(2) : strong).equals(etag)) {
        return true;
      }
    }
    return false;
  }

  /// A fault of ours: the log says which, the caller only that.
  static void fault(HttpServerRequest request, RuntimeException fault, boolean isNative) {
    LOG.log(Level.ERROR, "A request to " + request.path() + " failed for a reason of ours", fault);
    refuse(
        request.response(),
        new Refusal(
            500, "internal_error", "This server failed to handle the request; its log says why."),
        isNative);
  }

  private static void advise(HttpServerResponse response, int status, String code) {
    if (NOT_WORTH_RETRYING.contains(code)) {
      response.putHeader("x-should-retry", "false");
    } else if (status == 503) {
      response.putHeader("retry-after", "1");
    }
  }
}
