package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clock;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// How every stream of events begins, and how one breaks off.
final class Sse {
  private static final Duration TO_READ = Duration.ofMillis(100);
  private static final Duration TO_TAKE = Duration.ofSeconds(30);

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

  /// Breaks a stream off after its last words, so that nobody takes it for whole. Some clients
  /// (Node's fetch) drop what they have not yet read when a connection breaks: they get a moment to
  /// read it. A caller that takes nothing is given up after a while.
  static void breakOff(HttpServerResponse response, Buffer last, Clock clock) {
    response.write(last).onComplete(_ -> clock.after(TO_READ, response::reset));
    clock.after(TO_TAKE, response::reset);
  }
}
