package dev.meanwhile.simulator;

import dev.meanwhile.simulator.Fault.End;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import org.jspecify.annotations.Nullable;

/// An answer in one piece, when its time has come. A broken one has half of its body.
final class PlainAnswer extends Answer {
  private final int status;
  private final Buffer body;
  private final int tokens;
  private final @Nullable End end;

  /// @param tokens to count once it is sent
  PlainAnswer(
      Wheel wheel,
      HttpServerResponse response,
      Counts counts,
      int status,
      byte[] body,
      int tokens,
      @Nullable End end) {
    super(wheel, response, counts);
    this.status = status;
    this.body = Buffer.buffer(body);
    this.tokens = tokens;
    this.end = end;
  }

  @Override
  void fire() {
    var response = response();
    response.setStatusCode(status);
    response.putHeader(HttpHeaders.CONTENT_TYPE, "application/json");
    if (end == null) {
      finish(body);
      return;
    }
    Buffer half = body.slice(0, body.length() / 2);
    switch (end.way()) {
      case STALL -> {
        response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(body.length()));
        response.write(half);
      }
      case CUT -> {
        finished();
        response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(body.length()));
        response.write(half).onComplete(_ -> response.reset());
      }
      case CLEAN -> finish(half);
      case ERROR -> {
        response.setStatusCode(500);
        finish(Buffer.buffer(ApiError.simulated(500).json()));
      }
      case GARBAGE -> finish(Buffer.buffer(GARBAGE));
    }
  }

  private void finish(Buffer whole) {
    finished();
    counts().sent(tokens);
    response().end(whole);
  }
}
