package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.openai.JsonText;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.auth.SignedUrls;
import dev.meanwhile.server.auth.SignedUrls.Right;
import io.vertx.core.http.HttpServerRequest;
import java.util.Map;
import java.util.function.Consumer;

/// `POST …/urls`: signs a URL for a browser, which never holds a key.
final class UrlRoute {
  private static final int MOST_BODY = 4 << 10;
  private static final int HOUR = 3_600;
  private static final int MOST_SECONDS = 7 * 24 * HOUR;

  private final Loop loop;

  UrlRoute(Loop loop) {
    this.loop = loop;
  }

  /// What is asked for.
  ///
  /// @param seconds how long the URL is good for
  record Wanted(Right right, int seconds) {}

  /// Reads what is asked for and goes on with it; refuses what it does not understand.
  ///
  /// @param cancels whether there is something to cancel
  void read(HttpServerRequest request, boolean cancels, Consumer<Wanted> then) {
    Bodies.read(loop, request, MOST_BODY, true, body -> then.accept(wanted(body, cancels)));
  }

  private static Wanted wanted(byte[] body, boolean cancels) {
    Map<String, String> said = body.length == 0 ? Map.of() : JsonText.members(body);
    if (said == null) {
      throw new Refusal(400, "invalid_json", "The body is not a JSON object.");
    }
    Right right = Right.READ;
    int seconds = HOUR;
    for (Map.Entry<String, String> each : said.entrySet()) {
      String value = each.getValue();
      switch (each.getKey()) {
        case "allow" -> {
          boolean cancel = cancels && value.equals("\"cancel\"");
          if (!cancel && !value.equals("\"read\"")) {
            throw wrong("allow", cancels ? "\"read\" or \"cancel\"" : "\"read\"");
          }
          right = cancel ? Right.CANCEL : Right.READ;
        }
        case "expires_in" -> {
          seconds = value.matches("\\d{1,9}") ? Integer.parseInt(value) : 0;
          if (seconds < 1 || seconds > MOST_SECONDS) {
            throw wrong("expires_in", "a whole number of seconds from 1 to " + MOST_SECONDS);
          }
        }
        default ->
            throw new Refusal(
                400,
                "invalid_parameter",
                "A request for a URL knows `allow` and `expires_in`, and nothing else.");
      }
    }
    return new Wanted(right, seconds);
  }

  private static Refusal wrong(String name, String wanted) {
    return new Refusal(400, "invalid_parameter", "`%s` is %s.".formatted(name, wanted), name);
  }

  /// Answers with a URL of `path`.
  void answer(HttpServerRequest request, Caller caller, String path, Wanted wanted) {
    long expires = loop.clock().millis() / 1_000 + wanted.seconds();
    boolean cancels = wanted.right() == Right.CANCEL;
    String query =
        "?"
            + SignedUrls.PARAMETER
            + "="
            + loop.authenticator()
                .signedUrls()
                .sign(path, caller.tenant(), wanted.right(), expires);
    String json =
        "{\"object\":\"signed_url\",\"url\":"
            + JsonText.quoted(loop.links().to(request, path + query))
            + (cancels
                ? ",\"cancel_url\":"
                    + JsonText.quoted(loop.links().to(request, path + "/cancel" + query))
                : "")
            + ",\"allow\":\""
            + (cancels ? "cancel" : "read")
            + "\",\"expires_at\":"
            + expires
            + "}";
    Answers.send(request.response(), 200, Answers.JSON, json.getBytes(UTF_8));
  }
}
