package dev.meanwhile.server.upstream;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.budget.Clocks;
import dev.meanwhile.log.Terminal.Failure;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.streams.ReadStream;
import io.vertx.core.streams.WriteStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Passes one request and its answer through, unread, at the pace of the slower side. The same
/// clocks hold as for runs, and when the caller leaves the upstream's call is closed at once.
public final class Relay {
  private enum Phase {
    CONNECTING,
    WAITING,
    ANSWERING,
    OVER
  }

  private final Clock clock;
  private final Client client;
  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final String path;
  private final Clocks clocks;
  private final UnaryOperator<List<Map.Entry<String, String>>> credential;
  private final Refused refused;
  private final long began;
  private Phase phase = Phase.CONNECTING;
  private long lastByte;
  private @Nullable HttpClientRequest out;
  private Clock.@Nullable Timer timer;

  /// @param path what to append to the upstream's base URL, with its query
  /// @param credential puts the right credential among the headers
  /// @param refused answers with an error
  public Relay(
      Clock clock,
      Client client,
      HttpServerRequest request,
      String path,
      Clocks clocks,
      UnaryOperator<List<Map.Entry<String, String>>> credential,
      Refused refused) {
    this.clock = clock;
    this.client = client;
    this.request = request;
    this.path = path;
    this.response = request.response();
    this.clocks = clocks;
    this.credential = credential;
    this.refused = refused;
    this.began = clock.nanos();
    this.lastByte = began;
  }

  public void begin() {
    request.pause();
    response.closeHandler(_ -> left());
    response.exceptionHandler(_ -> left());
    arm();
    client
        .request(request.method(), path)
        .onComplete(made ->
            clock.execute(() -> {
              if (made.succeeded()) {
                send(made.result());
              } else {
                fail(Faults.beforeAnswer(client, made.cause()));
              }
            }));
  }

  private void send(HttpClientRequest made) {
    out = made;
    if (phase == Phase.OVER) {
      made.reset();
      return;
    }
    phase = Phase.WAITING;
    var headers = made.headers();
    for (var header : credential.apply(Headers.up(request.headers()))) {
      headers.add(header.getKey(), header.getValue());
    }
    String encoding = request.headers().get("accept-encoding");
    if (encoding != null) {
      headers.set("accept-encoding", encoding);
    }
    String length = request.headers().get("content-length");
    if (length != null) {
      headers.set("content-length", length);
    } else if (request.headers().contains("transfer-encoding") || request.streamId() >= 0) {
      made.setChunked(true);
    }
    made.response()
        .onComplete(answer -> {
          if (answer.succeeded()) {
            answer(answer.result());
          } else {
            fail(Faults.beforeAnswer(client, answer.cause()));
          }
        });
    made.exceptionHandler(_ -> {});
    pass(request, made);
    request.endHandler(_ -> made.end());
    request.resume();
  }

  private void answer(HttpClientResponse answer) {
    if (phase == Phase.OVER) {
      return;
    }
    phase = Phase.ANSWERING;
    lastByte = clock.nanos();
    response.setStatusCode(answer.statusCode());
    for (var header : Headers.unread(answer.headers())) {
      response.headers().add(header.getKey(), header.getValue());
    }
    String length = answer.headers().get("content-length");
    if (length != null) {
      response.headers().set("content-length", length);
    } else if (response.streamId() < 0) {
      response.setChunked(true);
    }
    answer.exceptionHandler(_ -> fail(Faults.inAnswer(client)));
    pass(answer, response);
    answer.endHandler(_ -> {
      if (phase != Phase.OVER) {
        over();
        response.end();
      }
    });
  }

  private void pass(ReadStream<Buffer> from, WriteStream<Buffer> to) {
    from.handler(part -> {
      lastByte = clock.nanos();
      if (phase == Phase.OVER) {
        return;
      }
      to.write(part);
      if (to.writeQueueFull()) {
        from.pause();
        to.drainHandler(_ -> from.resume());
      }
    });
  }

  private void arm() {
    long at = Math.min(deadline(clocks.total()), ownDeadline());
    timer = clock.after(Duration.ofNanos(Math.max(0, at - clock.nanos())), this::alarm);
  }

  private long ownDeadline() {
    return switch (phase) {
      case CONNECTING -> deadline(clocks.connect());
      case WAITING -> deadline(clocks.firstContent());
      case ANSWERING -> lastByte + clocks.between().toNanos();
      case OVER -> Long.MAX_VALUE;
    };
  }

  private long deadline(Duration limit) {
    return began + limit.toNanos();
  }

  private void alarm() {
    timer = null;
    long now = clock.nanos();
    if (phase == Phase.OVER) {
      return;
    }
    if (now >= deadline(clocks.total())) {
      late("total");
    } else if (now >= ownDeadline()) {
      late(
          switch (phase) {
            case CONNECTING -> "connect";
            case WAITING -> "first-content";
            case ANSWERING, OVER -> "between";
          });
    } else {
      arm();
    }
  }

  private void late(String which) {
    fail(
        new Failure(
            504,
            "upstream_" + which.replace('-', '_') + "_timeout",
            "The upstream took longer than the %s clock allows. Try again, or raise %s-timeout."
                .formatted(which, which)));
  }

  private void fail(Failure failure) {
    if (phase == Phase.OVER) {
      return;
    }
    over();
    reset();
    if (response.headWritten()) {
      // An answer that breaks must look broken.
      response.reset();
    } else {
      response.headers().clear();
      response.setChunked(false);
      request.resume();
      refused.answer(failure.status(), failure.code(), failure.message());
    }
  }

  private void left() {
    if (phase != Phase.OVER) {
      over();
      reset();
    }
  }

  private void reset() {
    if (out != null) {
      out.reset();
    }
  }

  private void over() {
    phase = Phase.OVER;
    if (timer != null) {
      timer.cancel();
    }
  }

  /// Answers with an error, the head not being written yet.
  public interface Refused {
    void answer(int status, String code, String message);
  }
}
