package dev.meanwhile.server;

import dev.meanwhile.server.route.Answers;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerRequest;

/// Answers what is no proper HTTP, and closes the connection.
final class InvalidRequest implements Handler<HttpServerRequest> {
  @Override
  public void handle(HttpServerRequest request) {
    Throwable cause = request.decoderResult() == null ? null : request.decoderResult().cause();
    var response = request.response().putHeader("connection", "close");
    response.endHandler(_ -> request.connection().close());
    switch (cause) {
      case TooLongHttpLineException _ ->
          Answers.error(
              response, 414, "uri_too_long", "The request line is longer than 8 KB.", null);
      case TooLongHttpHeaderException _ ->
          Answers.error(
              response,
              431,
              "header_too_large",
              "The request's headers are larger than this server accepts. Send fewer, or raise max-header.",
              null);
      case null, default ->
          Answers.error(response, 400, "bad_request", "This is not a proper HTTP request.", null);
    }
  }
}
