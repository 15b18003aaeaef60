package dev.meanwhile.server.upstream;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Terminal.Failure;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Has an upstream erase something that it keeps: one DELETE.
public final class Erasing {
  /// It is not there, or this upstream keeps nothing.
  private static final Set<Integer> NOTHING_THERE = Set.of(404, 405, 410, 501);

  private final Client client;
  private final Consumer<@Nullable Failure> done;
  private Clock.@Nullable Timer timer;
  private @Nullable HttpClientRequest http;
  private boolean over;

  private Erasing(Client client, Consumer<@Nullable Failure> done) {
    this.client = client;
    this.done = done;
  }

  /// @param headers with the credential
  /// @param limit how long the upstream may take
  /// @param done gets null, or why it may still be there; on the clock's loop
  public static void begin(
      Clock clock,
      Client client,
      String path,
      List<Map.Entry<String, String>> headers,
      Duration limit,
      Consumer<@Nullable Failure> done) {
    var erasing = new Erasing(client, done);
    erasing.timer =
        clock.after(
            limit,
            () ->
                erasing.end(
                    new Failure(
                        504,
                        "upstream_between_timeout",
                        "%s does not answer: try again.".formatted(client.name()))));
    client
        .request(HttpMethod.DELETE, path)
        .onComplete(made ->
            clock.execute(() -> {
              if (made.failed()) {
                erasing.end(Faults.beforeAnswer(client, made.cause()));
              } else {
                erasing.send(made.result(), headers);
              }
            }));
  }

  private void send(HttpClientRequest made, List<Map.Entry<String, String>> headers) {
    http = made;
    if (over) {
      made.reset();
      return;
    }
    for (var header : headers) {
      made.headers().add(header.getKey(), header.getValue());
    }
    made.response()
        .onComplete(answer -> {
          if (answer.failed()) {
            end(Faults.beforeAnswer(client, answer.cause()));
            return;
          }
          int status = answer.result().statusCode();
          end(
              status < 300 || NOTHING_THERE.contains(status)
                  ? null
                  : new Failure(
                      502,
                      "upstream_error",
                      "%s answered %d and may still have it: try again."
                          .formatted(client.name(), status)));
        });
    made.end();
  }

  private void end(@Nullable Failure failure) {
    if (over) {
      return;
    }
    over = true;
    if (timer != null) {
      timer.cancel();
    }
    if (failure != null && http != null) {
      http.reset();
    }
    done.accept(failure);
  }
}
