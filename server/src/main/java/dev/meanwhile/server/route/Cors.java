package dev.meanwhile.server.route;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.Collection;
import java.util.Set;

/// Lets pages of listed origins read what URLs are signed for.
final class Cors {
  private static final String EXPOSED = "etag, location, preference-applied, retry-after";
  private static final String FOR_SECONDS = "600";

  private final Set<String> origins;

  /// @param origins as browsers write them
  Cors(Collection<String> origins) {
    this.origins = Set.copyOf(origins);
  }

  /// Says who may read the answer.
  ///
  /// @return whether that was the answer: a browser asked beforehand
  boolean answered(HttpServerRequest request) {
    if (origins.isEmpty()) {
      return false;
    }
    HttpServerResponse response = request.response();
    response.headers().add("vary", "Origin");
    String origin = request.headers().get("origin");
    if (origin == null || !origins.contains(origin)) {
      return false;
    }
    response
        .headers()
        .set("access-control-allow-origin", origin)
        .set("access-control-expose-headers", EXPOSED);
    if (!HttpMethod.OPTIONS.equals(request.method())
        || !request.headers().contains("access-control-request-method")) {
      return false;
    }
    String headers = request.headers().get("access-control-request-headers");
    response.headers().set("access-control-allow-methods", "GET, POST");
    if (headers != null) {
      response.headers().set("access-control-allow-headers", headers);
    }
    response.headers().set("access-control-max-age", FOR_SECONDS);
    response.setStatusCode(204).end();
    return true;
  }
}
