package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.server.config.Sha256;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/// `GET /openapi.json`: the description of all routes. It is the same for everybody and holds no
/// secret, so it takes no key.
final class OpenApi {
  private static final byte[] DOCUMENT = read();
  private static final String ETAG =
      "\"" + Sha256.of(new String(DOCUMENT, UTF_8)).toString().substring(0, 16) + "\"";

  private OpenApi() {}

  static void answer(HttpServerRequest request) {
    var response = request.response();
    // Another version may be started at any time: who has it asks whether it still holds.
    response.putHeader("cache-control", "no-cache").putHeader("etag", ETAG);
    String known = request.headers().get("if-none-match");
    if (known != null && Answers.matches(known, ETAG)) {
      response.setStatusCode(304).end();
    } else {
      Answers.send(response, 200, Answers.JSON, DOCUMENT);
    }
  }

  private static byte[] read() {
    try (InputStream in = OpenApi.class.getResourceAsStream("/dev/meanwhile/server/openapi.json")) {
      if (in == null) {
        throw new IllegalStateException("this build lacks openapi.json");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
