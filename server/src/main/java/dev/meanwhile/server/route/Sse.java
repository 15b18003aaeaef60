package dev.meanwhile.server.route;

import io.vertx.core.http.HttpServerResponse;
import org.jspecify.annotations.Nullable;

/// The beginning of every stream of events.
final class Sse {
  private Sse() {}

  static void open(HttpServerResponse response, @Nullable RunHeaders headers) {
    if (headers != null) {
      headers.write(response, "content-length");
    }
    response.setStatusCode(200);
    response
        .headers()
        .set("content-type", Answers.SSE)
        .set("cache-control", "no-cache, no-transform")
        .set("x-accel-buffering", "no")
        .set("incremental", "?1");
    if (response.streamId() < 0) {
      response.setChunked(true);
    }
  }
}
