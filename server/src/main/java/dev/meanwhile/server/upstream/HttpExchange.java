package dev.meanwhile.server.upstream;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.AnswerStream;
import dev.meanwhile.openai.Api;
import dev.meanwhile.openai.ErrorBody;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.server.config.Secret;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// One call of an upstream: sends the request, and hands the answer to the listener as events.
final class HttpExchange implements Upstream.Exchange {
  /// After the end mark, an upstream has this long to end its body, so that its connection can be
  /// used again.
  private static final Duration TAIL = Duration.ofSeconds(1);

  private final Clock clock;
  private final Client client;
  private final Api api;
  private final Request request;
  private final Upstream.Listener listener;
  private final int maxEvent;
  private final int maxRun;
  private @Nullable HttpClientRequest http;
  private @Nullable AnswerStream stream;
  private byte[] body = new byte[0];
  private int length;
  private boolean answered;
  private boolean ending;
  private boolean over;

  HttpExchange(
      Clock clock,
      Client client,
      Request request,
      Upstream.Listener listener,
      int maxEvent,
      int maxRun) {
    this.clock = clock;
    this.client = client;
    this.api = Api.valueOf(request.api().toUpperCase(Locale.ROOT));
    this.request = request;
    this.listener = listener;
    this.maxEvent = maxEvent;
    this.maxRun = maxRun;
  }

  void begin() {
    client
        .request(HttpMethod.POST, request.path())
        .onComplete(made ->
            clock.execute(() -> {
              if (made.succeeded()) {
                send(made.result());
              } else {
                fail(Faults.beforeAnswer(client, made.cause()));
              }
            }));
  }

  @Override
  public void abort() {
    over = true;
    if (stream != null) {
      stream.stop();
    }
    if (http != null) {
      http.reset();
    }
  }

  private void send(HttpClientRequest made) {
    http = made;
    if (over) {
      made.reset();
      return;
    }
    listener.connected();
    var headers = made.headers();
    for (var header : request.headers()) {
      headers.add(header.getKey(), header.getValue());
    }
    Secret key = client.config().apiKey();
    if (key != null) {
      headers.set("authorization", "Bearer " + key.reveal());
    }
    made.response()
        .onComplete(answer -> {
          if (answer.succeeded()) {
            answer(answer.result());
          } else {
            fail(Faults.beforeAnswer(client, answer.cause()));
          }
        });
    made.end(Buffer.buffer(request.body()));
  }

  private void answer(HttpClientResponse response) {
    if (over) {
      return;
    }
    String type = response.headers().get("content-type");
    boolean streamed =
        response.statusCode() < 300
            && type != null
            && type.regionMatches(true, 0, "text/event-stream", 0, 17);
    listener.alive();
    listener.head(new Head(response.statusCode(), streamed, Headers.down(response.headers())));
    if (streamed) {
      stream = new AnswerStream(api, listener, maxEvent);
    }
    response.handler(this::part);
    response.endHandler(_ -> end(response.statusCode()));
    response.exceptionHandler(_ -> fail(Faults.inAnswer(client)));
  }

  private void part(Buffer part) {
    if (over) {
      return;
    }
    if (stream != null) {
      byte[] bytes = part.getBytes();
      stream.feed(bytes, 0, bytes.length);
      if (stream.stopped()) {
        awaitTail();
      } else if (stream.whole() && !ending) {
        ending = true;
        clock.after(TAIL, this::endTail);
      }
      return;
    }
    listener.alive();
    int more = part.length();
    if (more > maxRun - length) {
      fail(Faults.tooLarge(client, maxRun));
      return;
    }
    if (body.length < length + more) {
      body = Arrays.copyOf(body, Math.max(length + more, Math.min(maxRun, body.length * 2)));
    }
    part.getBytes(0, more, body, length);
    length += more;
  }

  private void end(int status) {
    answered = true;
    if (over) {
      return;
    }
    if (stream != null) {
      over = true;
      stream.end();
      return;
    }
    over = true;
    if (api == Api.RESPONSES && status < 300) {
      String id = JsonText.string(Arrays.copyOf(body, length), "id");
      if (id != null) {
        listener.named(id);
      }
    }
    listener.event(Kind.ANSWER, body, 0, length);
    listener.flush();
    listener.ended(judge(status));
  }

  private Terminal judge(int status) {
    if (status >= 200 && status < 300) {
      return api.judge(body, 0, length);
    }
    if (status < 400) {
      return Terminal.failed(
          new Failure(
              502,
              "upstream_redirect",
              "%s answered %d, a redirect, which is not followed with a credential. Set base-url to where it leads."
                  .formatted(client.name(), status)));
    }
    // Of rate limits only this one is not worth another try.
    boolean quota =
        status == 429 && "insufficient_quota".equals(ErrorBody.code(Arrays.copyOf(body, length)));
    return Terminal.failed(
        new Failure(
            status,
            quota ? "insufficient_quota" : "upstream_error",
            "%s answered %d.".formatted(client.name(), status)));
  }

  /// The log is closed, the connection is not yet free.
  private void awaitTail() {
    over = true;
    clock.after(
        TAIL,
        () -> {
          if (!answered && http != null) {
            http.reset();
          }
        });
  }

  /// The answer is whole, and neither a mark nor the end of the body has come.
  private void endTail() {
    if (!over && stream != null) {
      over = true;
      stream.end();
      if (http != null) {
        http.reset();
      }
    }
  }

  private void fail(Failure failure) {
    if (over) {
      return;
    }
    over = true;
    if (stream != null) {
      stream.stop();
    }
    if (http != null) {
      http.reset();
    }
    listener.ended(Terminal.failed(failure));
  }
}
