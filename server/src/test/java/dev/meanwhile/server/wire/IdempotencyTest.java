package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.ended;
import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static dev.meanwhile.server.wire.AsyncTest.say;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The same request under the same `Idempotency-Key` is one call, whenever it comes again.
class IdempotencyTest {
  private static final String[] KEY = {"Idempotency-Key", "order-17"};
  private static final String LINE = "Idempotency-Key: order-17";

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private Gateway gateway() {
    return Gateway.keeping(data, upstream);
  }

  /// Sends a request that the upstream answers plainly.
  private HttpResponse<String> first(
      Gateway gateway, String body, int status, String answer, String... headers) throws Exception {
    CompletableFuture<HttpResponse<String>> sent =
        CompletableFuture.supplyAsync(() -> {
          try {
            return gateway.chat(body, headers);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
    upstream.take().json(status, answer);
    return sent.get(30, TimeUnit.SECONDS);
  }

  @Test
  void replaysAPlainAnswerAlsoAfterARestart() throws Exception {
    String answer = Chat.answer("a");
    String run;
    try (var gateway = gateway()) {
      var first = first(gateway, Chat.plain("x"), 200, answer, KEY);
      assertThat(first.body()).isEqualTo(answer);
      assertThat(first.headers().firstValue("idempotency-replayed")).isEmpty();
      run = header(first, "meanwhile-run");
      assertReplayed(gateway, Chat.plain("x"), answer, run);
    }
    try (var gateway = gateway()) {
      assertReplayed(gateway, Chat.plain("x"), answer, run);
    }
    assertThat(upstream.calls()).isEqualTo(1);
  }

  private static void assertReplayed(Gateway gateway, String body, String answer, String run)
      throws Exception {
    var again = gateway.chat(body, KEY);
    assertThat(again.statusCode()).as(again.body()).isEqualTo(200);
    assertThat(again.body()).isEqualTo(answer);
    assertThat(header(again, "idempotency-replayed")).isEqualTo("true");
    assertThat(header(again, "meanwhile-run")).isEqualTo(run);
  }

  @Test
  void replaysAStreamByteForByteAlsoAfterARestart() throws Exception {
    String stream;
    try (var gateway = gateway();
        var wire = gateway.wire().chat(Chat.streamed("x"), LINE)) {
      say(upstream.take(), "one ", "two");
      assertThat(wire.status()).isEqualTo(200);
      stream = wire.rest();
      assertThat(stream).contains("one ").endsWith("data: [DONE]\n\n");
      var again = gateway.chat(Chat.streamed("x"), KEY);
      assertThat(again.body()).isEqualTo(stream);
      assertThat(header(again, "idempotency-replayed")).isEqualTo("true");
      assertThat(header(again, "content-type")).startsWith("text/event-stream");
    }
    try (var gateway = gateway()) {
      var again = gateway.chat(Chat.streamed("x"), KEY);
      assertThat(again.body()).isEqualTo(stream);
      assertThat(header(again, "content-type")).startsWith("text/event-stream");
    }
    assertThat(upstream.calls()).isEqualTo(1);
  }

  @Test
  void attachesToACallUnderWay() throws Exception {
    try (var gateway = gateway();
        var first = gateway.wire().chat(Chat.streamed("x"), LINE);
        var second = gateway.wire()) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("one"));
      assertThat(first.status()).isEqualTo(200);
      assertThat(first.event()).contains("one");
      second.chat(Chat.streamed("x"), LINE);
      assertThat(second.status()).isEqualTo(200);
      assertThat(second.header("idempotency-replayed")).isEqualTo("true");
      assertThat(second.header("meanwhile-run")).isEqualTo(first.header("meanwhile-run"));
      assertThat(second.event()).contains("one");
      call.event(Chat.stop());
      call.done();
      assertThat(second.rest()).isEqualTo(first.rest());
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  @Test
  void namesABackgroundRun() throws Exception {
    String[] both = {"Idempotency-Key", "order-17", "Prefer", "respond-async"};
    String run;
    try (var gateway = gateway()) {
      var first = gateway.chat(Chat.plain("x"), both);
      var second = gateway.chat(Chat.plain("x"), both);
      assertThat(first.statusCode()).isEqualTo(202);
      assertThat(second.statusCode()).isEqualTo(202);
      run = header(first, "meanwhile-run");
      assertThat(header(second, "meanwhile-run")).isEqualTo(run);
      assertThat(header(second, "idempotency-replayed")).isEqualTo("true");
      say(upstream.take(), "done");
      ended(gateway, run);
      var third = gateway.chat(Chat.plain("x"), both);
      assertThat(third.statusCode()).isEqualTo(200);
      assertThat(third.body()).contains("\"done\"");
    }
    try (var gateway = gateway()) {
      assertThat(gateway.chat(Chat.plain("x"), both).body()).contains("\"done\"");
    }
    assertThat(upstream.calls()).isEqualTo(1);
  }

  @Test
  void refusesAnotherBody() throws Exception {
    try (var gateway = gateway()) {
      first(gateway, Chat.plain("x"), 200, Chat.answer("a"), KEY);
      var other = gateway.chat(Chat.plain("y"), KEY);
      assertThat(other.statusCode()).isEqualTo(422);
      FailuresTest.error(other.body(), "idempotency_key_reused");
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  @Test
  void isOneCallersOwnOnOneRoute() throws Exception {
    try (var gateway = gateway()) {
      first(gateway, Chat.plain("x"), 200, Chat.answer("a"), KEY);
      var other =
          first(
              gateway,
              Chat.plain("x"),
              200,
              Chat.answer("b"),
              "Idempotency-Key",
              "order-17",
              "Authorization",
              "Bearer sk-other");
      assertThat(other.body()).isEqualTo(Chat.answer("b"));
      var embeddings =
          CompletableFuture.supplyAsync(() -> {
            try {
              return gateway.post("/v1/embeddings", "{\"model\":\"m\",\"input\":\"x\"}", KEY);
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
          });
      upstream.take().json(200, "{\"object\":\"list\",\"data\":[]}");
      assertThat(embeddings.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void isFreeAgainAfterAFailure() throws Exception {
    try (var gateway = gateway()) {
      for (int status : new int[] {500, 503, 429}) {
        var failed =
            first(gateway, Chat.plain("x"), status, "{\"error\":{\"message\":\"no\"}}", KEY);
        assertThat(failed.statusCode()).isEqualTo(status);
        assertThat(failed.headers().firstValue("idempotency-replayed")).isEmpty();
      }
      assertThat(first(gateway, Chat.plain("x"), 200, Chat.answer("a"), KEY).body())
          .isEqualTo(Chat.answer("a"));
      assertThat(upstream.calls()).isEqualTo(4);
    }
  }

  @Test
  void replaysARefusalThatWouldBeRepeated() throws Exception {
    String error = "{\"error\":{\"message\":\"no such model\"}}";
    try (var gateway = gateway()) {
      first(gateway, Chat.plain("x"), 404, error, KEY);
      var again = gateway.chat(Chat.plain("x"), KEY);
      assertThat(again.statusCode()).isEqualTo(404);
      assertThat(again.body()).isEqualTo(error);
      assertThat(header(again, "idempotency-replayed")).isEqualTo("true");
    }
    try (var gateway = gateway()) {
      var again = gateway.chat(Chat.plain("x"), KEY);
      assertThat(again.statusCode()).isEqualTo(404);
      assertThat(again.body()).isEqualTo(error);
    }
    assertThat(upstream.calls()).isEqualTo(1);
  }

  @Test
  void isFreeAgainOnceItsRunIsErased() throws Exception {
    try (var gateway = gateway()) {
      var first = first(gateway, Chat.plain("x"), 200, Chat.answer("a"), KEY);
      String path = "/v1/runs/" + header(first, "meanwhile-run");
      var erased = gateway.send(gateway.request(path).DELETE().build());
      assertThat(erased.statusCode()).isEqualTo(200);
      assertThat(first(gateway, Chat.plain("x"), 200, Chat.answer("b"), KEY).body())
          .isEqualTo(Chat.answer("b"));
    }
  }

  /// Its caller's own key is never stored, so after a restart it cannot be made again.
  @Test
  void endsAfterARestartWhatWentUpWithItsCallersKey() throws Exception {
    String[] headers = {"Idempotency-Key", "order-17", "Authorization", "Bearer sk-mine"};
    String run;
    try (var gateway = Gateway.keeping(data, upstream, "--on-leave=continue");
        var wire = gateway.wire()) {
      wire.chat(Chat.plain("x"), LINE, "Authorization: Bearer sk-mine");
      upstream.take();
      var listed = new String[1];
      Eventually.until(
          "it is kept",
          () -> {
            listed[0] = gateway.get("/v1/runs", "Authorization", "Bearer sk-mine").body();
            return !json(listed[0]).path("data").isEmpty();
          });
      run = json(listed[0]).path("data").path(0).path("id").asString();
    }
    try (var gateway = gateway()) {
      var end =
          gateway.get("/v1/runs/" + run, "Authorization", "Bearer sk-mine", "Prefer", "wait=30");
      assertThat(json(end.body()).path("error").path("code").asString())
          .isEqualTo("credential_gone");
      assertThat(first(gateway, Chat.plain("x"), 200, Chat.answer("b"), headers).body())
          .isEqualTo(Chat.answer("b"));
    }
  }
}
