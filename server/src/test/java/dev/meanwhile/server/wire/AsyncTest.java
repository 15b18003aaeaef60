package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Work nobody waits for: 202, and the run by its address until its end, after a restart too.
class AsyncTest {
  private static final String[] ASYNC = {"Prefer", "respond-async"};

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private Gateway gateway() {
    return Gateway.keeping(data, upstream);
  }

  static JsonNode json(String text) {
    return new JsonMapper().readTree(text);
  }

  static String header(HttpResponse<?> answer, String name) {
    return answer.headers().firstValue(name).orElse("none");
  }

  /// Waits for the end of a run, and returns its snapshot.
  static JsonNode ended(Gateway gateway, String run) throws Exception {
    var answer = gateway.get("/v1/runs/" + run, "Prefer", "wait=30");
    JsonNode snapshot = json(answer.body());
    assertThat(snapshot.path("completed_at").isNumber()).as(answer.body()).isTrue();
    return snapshot;
  }

  static String accepted(Gateway gateway, String body) throws Exception {
    var answer = gateway.chat(body, ASYNC);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
    return header(answer, "meanwhile-run");
  }

  static void say(Exchange call, String... words) throws Exception {
    call.stream();
    for (String word : words) {
      call.event(Chat.chunk(word));
    }
    call.event(Chat.stop());
    call.event(Chat.usage());
    call.done();
  }

  @Test
  void answers202WithTheRunsAddress() throws Exception {
    try (var gateway = gateway()) {
      for (String[] kind :
          new String[][] {
            {"/v1/chat/completions", Chat.plain("x"), "chat.completion"},
            {"/v1/chat/completions", Chat.streamed("x"), "chat.completion"},
            {"/v1/embeddings", "{\"model\":\"m\",\"input\":\"x\"}", "list"}
          }) {
        var answer = gateway.post(kind[0], kind[1], ASYNC);
        assertThat(answer.statusCode()).isEqualTo(202);
        String run = header(answer, "meanwhile-run");
        String address = gateway.uri("/v1/runs/" + run).toString();
        assertThat(header(answer, "operation-location")).isEqualTo(address);
        assertThat(header(answer, "location"))
            .isEqualTo(
                kind[0].endsWith("embeddings")
                    ? address
                    : gateway.uri("/v1/chat/completions/" + run).toString());
        int poll = Integer.parseInt(header(answer, "openai-poll-after-ms"));
        assertThat(poll).isGreaterThanOrEqualTo(1_000);
        assertThat(header(answer, "retry-after")).isEqualTo(Integer.toString((poll + 999) / 1_000));
        assertThat(header(answer, "preference-applied")).isEqualTo("respond-async");
        assertThat(header(answer, "vary")).isEqualTo("Prefer");
        assertThat(header(answer, "cache-control")).isEqualTo("no-store");
        assertThat(header(answer, "x-request-id")).isEqualTo(run);
        JsonNode body = json(answer.body());
        assertThat(body.path("id").asString()).isEqualTo(run);
        assertThat(body.path("object").asString()).isEqualTo(kind[2]);
        assertThat(body.path("model").asString()).isEqualTo("m");
        assertThat(body.path("status").asString()).isIn("queued", "in_progress");
        assertThat(body.path(kind[2].equals("list") ? "data" : "choices").isArray()).isTrue();
        Exchange call = upstream.take();
        assertThat(call.body().contains("\"stream\":true"))
            .isEqualTo(kind[0].endsWith("completions"));
        call.json(200, Chat.answer("a"));
        assertThat(ended(gateway, run).path("status").asString()).isEqualTo("completed");
      }
    }
  }

  @Test
  void keepsTheFormatThatEmbeddingsWereAskedForIn() throws Exception {
    String floats = "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[1.0,-2.5]}]}";
    String base64 = floats.replace("[1.0,-2.5]", "\"AACAPwAAIMA=\"");
    String named = "order-17";
    for (boolean wantsBase64 : new boolean[] {true, false}) {
      String body =
          "{\"model\":\"e\",\"input\":\"a\",\"encoding_format\":\"%s\"}"
              .formatted(wantsBase64 ? "base64" : "float");
      String[] headers = {
        "Prefer", "respond-async", "Idempotency-Key", wantsBase64 ? named : named + "-float"
      };
      JsonNode wanted = json(wantsBase64 ? base64 : floats);
      String run;
      try (var gateway = gateway()) {
        var answer = gateway.post("/v1/embeddings", body, headers);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        run = header(answer, "meanwhile-run");
        upstream.take().json(200, wantsBase64 ? floats : base64);
        assertThat(ended(gateway, run).path("output")).isEqualTo(wanted);
      }
      try (var gateway = gateway()) {
        assertThat(ended(gateway, run).path("output")).isEqualTo(wanted);
        assertThat(json(gateway.get("/v1/chat/completions/" + run).body())).isEqualTo(wanted);
        assertThat(json(gateway.post("/v1/embeddings", body, headers).body())).isEqualTo(wanted);
      }
    }
  }

  @Test
  void isMonitoredAsAChatCompletion() throws Exception {
    try (var gateway = gateway()) {
      String run = accepted(gateway, Chat.plain("x"));
      String monitor = "/v1/chat/completions/" + run;
      Exchange call = upstream.take();
      var waiting = gateway.get(monitor);
      assertThat(waiting.statusCode()).isEqualTo(202);
      assertThat(header(waiting, "retry-after")).isNotEqualTo("none");
      assertThat(json(waiting.body()).path("choices").isEmpty()).isTrue();
      var patient = gateway.get(monitor, "Prefer", "wait=0.01");
      assertThat(patient.statusCode()).isEqualTo(202);
      say(call, "one ", "two");
      var done = gateway.get(monitor, "Prefer", "wait=30");
      assertThat(done.statusCode()).isEqualTo(200);
      assertThat(json(done.body()).path("choices").path(0).path("message").path("content"))
          .hasToString("\"one two\"");
      assertThat(gateway.get(monitor).body()).isEqualTo(done.body());
      assertThat(upstream.calls()).isEqualTo(1);
    }
    try (var again = gateway()) {
      assertThat(again.get("/v1/chat/completions/run_unknown").statusCode()).isEqualTo(404);
    }
  }

  @Test
  void monitorsAFailureWithTheUpstreamsOwnStatusAndBody() throws Exception {
    String error = "{\"error\":{\"message\":\"no such model\",\"code\":\"model_not_found\"}}";
    String monitor;
    try (var gateway = gateway()) {
      String run = accepted(gateway, Chat.plain("x"));
      monitor = "/v1/chat/completions/" + run;
      upstream.take().json(404, error);
      assertThat(ended(gateway, run).path("error").path("status").asInt()).isEqualTo(404);
      var answer = gateway.get(monitor);
      assertThat(answer.statusCode()).isEqualTo(404);
      assertThat(answer.body()).isEqualTo(error);
      assertThat(header(answer, "x-should-retry")).isEqualTo("false");
    }
    try (var gateway = gateway()) {
      var answer = gateway.get(monitor);
      assertThat(answer.statusCode()).isEqualTo(404);
      assertThat(answer.body()).isEqualTo(error);
    }
  }

  @Test
  void isTheSameAfterARestart() throws Exception {
    String run;
    String snapshot;
    String tag;
    String events;
    String last;
    try (var gateway = gateway()) {
      run = accepted(gateway, Chat.streamed("x"));
      say(upstream.take(), "one ", "two");
      ended(gateway, run);
      var answer = gateway.get("/v1/runs/" + run);
      snapshot = answer.body();
      tag = header(answer, "etag");
      events = events(gateway, run, "1.0");
      last = events.substring(events.lastIndexOf("id: ") + 4).lines().findFirst().orElseThrow();
    }
    try (var gateway = gateway()) {
      var answer = gateway.get("/v1/runs/" + run);
      assertThat(answer.body()).isEqualTo(snapshot);
      assertThat(header(answer, "etag")).isEqualTo(tag);
      assertThat(gateway.get("/v1/runs/" + run, "If-None-Match", tag).statusCode()).isEqualTo(304);
      assertThat(events(gateway, run, "1.0")).isEqualTo(events);
      assertThat(events(gateway, run, "1.1"))
          .doesNotContain("one ")
          .contains("two")
          .contains("event: done");
      assertThat(
              gateway
                  .get("/v1/runs/" + run, "Accept", "text/event-stream", "Last-Event-ID", last)
                  .statusCode())
          .isEqualTo(204);
    }
  }

  private static String events(Gateway gateway, String run, String after) throws Exception {
    return gateway.get("/v1/runs/" + run + "?after=" + after, "Accept", "text/event-stream").body();
  }

  @Test
  void goesOnAfterARestartInTheMiddleOfItsAnswer() throws Exception {
    String run;
    try (var gateway = gateway()) {
      run = accepted(gateway, Chat.plain("x"));
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("lost"));
    }
    try (var gateway = gateway();
        var follower = gateway.wire()) {
      Exchange again = upstream.take();
      assertThat(again.body()).contains("\"x\"");
      follower.get("/v1/runs/" + run, "Accept: text/event-stream");
      assertThat(follower.status()).isEqualTo(200);
      assertThat(follower.event()).contains("event: status");
      say(again, "found");
      String rest = follower.rest();
      assertThat(rest).contains("found").contains("\"status\":\"completed\"");
      JsonNode snapshot = ended(gateway, run);
      assertThat(snapshot.path("text").asString()).isEqualTo("found");
      assertThat(snapshot.path("attempt").asInt()).isEqualTo(2);
      assertThat(upstream.calls()).isEqualTo(2);
    }
  }

  @Test
  void isFollowedWhileItRuns() throws Exception {
    try (var gateway = gateway();
        var follower = gateway.wire()) {
      String run = accepted(gateway, Chat.plain("x"));
      Exchange call = upstream.take();
      follower.get("/v1/runs/" + run, "Accept: text/event-stream");
      assertThat(follower.status()).isEqualTo(200);
      assertThat(follower.event()).contains("in_progress");
      call.stream();
      call.event(Chat.chunk("one"));
      assertThat(follower.event()).contains("event: delta").contains("one");
      assertThat(json(gateway.get("/v1/runs/" + run).body()).path("text").asString())
          .isEqualTo("one");
      call.event(Chat.chunk("two"));
      assertThat(follower.event()).contains("two");
      call.event(Chat.stop());
      call.done();
      assertThat(follower.rest()).contains("event: done").contains("completed");
    }
  }

  @Test
  void isNotErasedBeforeItsEnd() throws Exception {
    try (var gateway = gateway()) {
      String run = accepted(gateway, Chat.plain("x"));
      Exchange call = upstream.take();
      var request = gateway.request("/v1/runs/" + run).DELETE().build();
      var early = gateway.send(request);
      assertThat(early.statusCode()).isEqualTo(400);
      FailuresTest.error(early.body(), "run_not_ended");
      call.json(200, Chat.answer("a"));
      ended(gateway, run);
      assertThat(gateway.send(request).statusCode()).isEqualTo(200);
      assertThat(gateway.get("/v1/chat/completions/" + run).statusCode()).isEqualTo(404);
    }
  }

  private String oneAtATime() {
    return "upstreams: {only: {base-url: '%s', max-background: 1, max-queued: 1}}"
        .formatted(upstream.url());
  }

  @Test
  void isCancelledWhileItWaits() throws Exception {
    try (var gateway = Gateway.configured(data, oneAtATime())) {
      String first = accepted(gateway, Chat.plain("first"));
      Exchange call = upstream.take();
      String second = accepted(gateway, Chat.plain("second"));
      assertThat(json(gateway.get("/v1/runs/" + second).body()).path("status").asString())
          .isEqualTo("queued");
      assertCancelled(gateway, second);
      call.json(200, Chat.answer("a"));
      assertThat(ended(gateway, first).path("status").asString()).isEqualTo("completed");
      assertThat(upstream.calls()).isEqualTo(1);
      // Too late: what has ended stays as it is.
      var late = gateway.post("/v1/runs/" + first + "/cancel", "");
      assertThat(json(late.body()).path("status").asString()).isEqualTo("completed");
    }
  }

  @Test
  void isCancelledWhileItRunsAndStaysSoAfterARestart() throws Exception {
    String run;
    try (var gateway = gateway()) {
      run = accepted(gateway, Chat.plain("x"));
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("part"));
      Eventually.until(
          "the part is there",
          () -> gateway.get("/v1/runs/" + run).body().contains("\"text\":\"part\""));
      assertCancelled(gateway, run);
      call.awaitGone();
    }
    try (var gateway = gateway()) {
      assertCancelled(gateway, run);
      assertThat(json(gateway.get("/v1/runs/" + run).body()).path("text").asString())
          .isEqualTo("part");
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  private static void assertCancelled(Gateway gateway, String run) throws Exception {
    var answer = gateway.post("/v1/runs/" + run + "/cancel", "");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(json(answer.body()).path("status").asString()).isEqualTo("cancelled");
    var monitor = gateway.get("/v1/chat/completions/" + run);
    assertThat(monitor.statusCode()).isEqualTo(400);
    FailuresTest.error(monitor.body(), "run_cancelled");
  }

  @Test
  void refusesWhenAsManyWaitAsMay() throws Exception {
    try (var gateway = Gateway.configured(data, oneAtATime())) {
      String first = accepted(gateway, Chat.plain("first"));
      Exchange call = upstream.take();
      String second = accepted(gateway, Chat.plain("second"));
      var third = gateway.chat(Chat.plain("third"), ASYNC);
      assertThat(third.statusCode()).isEqualTo(429);
      FailuresTest.error(third.body(), "queue_full");
      assertThat(Integer.parseInt(header(third, "retry-after"))).isPositive();
      call.json(200, Chat.answer("a"));
      upstream.take().json(200, Chat.answer("b"));
      for (String run : new String[] {first, second}) {
        assertThat(ended(gateway, run).path("status").asString()).isEqualTo("completed");
      }
    }
  }

  @Test
  void triesAgainWhatMayEndBetter() throws Exception {
    try (var gateway = gateway()) {
      String run = accepted(gateway, Chat.plain("x"));
      upstream.take().json(503, "{\"error\":{\"message\":\"overloaded\"}}");
      upstream.take().json(429, "{\"error\":{\"message\":\"slow down\"}}", "retry-after: 1");
      Exchange cut = upstream.take();
      cut.stream();
      cut.event(Chat.chunk("half"));
      cut.cut();
      say(upstream.take(), "whole");
      JsonNode end = ended(gateway, run);
      assertThat(end.path("status").asString()).isEqualTo("completed");
      assertThat(end.path("text").asString()).isEqualTo("whole");
      assertThat(end.path("attempt").asInt()).isEqualTo(4);
      var answer = gateway.get("/v1/chat/completions/" + run);
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body()).contains("whole").doesNotContain("half");
    }
  }

  /// What the upstream said last tells more than that time is up.
  @Test
  void failsWithTheUpstreamsLastFailureIfTheNextTryWouldComeTooLate() throws Exception {
    String error = "{\"error\":{\"message\":\"overloaded\",\"code\":\"busy\"}}";
    try (var gateway = Gateway.keeping(data, upstream, "--background-deadline=60s")) {
      String run = accepted(gateway, Chat.plain("x"));
      upstream.take().json(503, "{}");
      upstream.take().json(503, error, "retry-after: 3600");
      JsonNode end = ended(gateway, run);
      assertThat(end.path("status").asString()).isEqualTo("failed");
      assertThat(end.path("error").path("status").asInt()).isEqualTo(503);
      assertThat(end.path("attempt").asInt()).isEqualTo(2);
      var answer = gateway.get("/v1/chat/completions/" + run);
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.body()).isEqualTo(error);
      assertThat(header(answer, "x-should-retry")).isEqualTo("false");
      assertThat(upstream.calls()).isEqualTo(2);
    }
  }

  @Test
  void failsAtItsDeadlineIfItsTurnHasNotCome() throws Exception {
    try (var gateway = Gateway.configured(data, oneAtATime())) {
      accepted(gateway, Chat.plain("first"));
      upstream.take();
    }
    // The one before it has all the time that it was promised.
    try (var gateway = Gateway.configured(data, oneAtATime(), "--background-deadline=100ms")) {
      upstream.take();
      String second = accepted(gateway, Chat.plain("second"));
      assertThat(ended(gateway, second).path("status").asString()).isEqualTo("failed");
      var answer = gateway.get("/v1/chat/completions/" + second);
      assertThat(answer.statusCode()).isEqualTo(504);
      FailuresTest.error(answer.body(), "deadline_exceeded");
      assertThat(answer.body()).contains("background-deadline");
      assertThat(upstream.calls()).isEqualTo(2);
    }
  }

  @Test
  void doesNotTryAgainWhatWouldOnlyBeRepeated() throws Exception {
    try (var gateway = gateway()) {
      for (Object[] each :
          new Object[][] {
            {400, "{\"error\":{\"message\":\"no\",\"code\":\"invalid\"}}"},
            {429, "{\"error\":{\"message\":\"pay\",\"code\":\"insufficient_quota\"}}"}
          }) {
        int before = upstream.calls();
        String run = accepted(gateway, Chat.plain("x"));
        upstream.take().json((int) each[0], (String) each[1]);
        JsonNode end = ended(gateway, run);
        assertThat(end.path("status").asString()).isEqualTo("failed");
        assertThat(end.path("error").path("status").asInt()).isEqualTo(each[0]);
        assertThat(gateway.get("/v1/chat/completions/" + run).body()).isEqualTo(each[1]);
        assertThat(upstream.calls()).isEqualTo(before + 1);
      }
    }
  }

  @Test
  void saysThatItKeepsNothingWithoutAStore() throws Exception {
    try (var gateway = Gateway.before(upstream)) {
      var answer = gateway.chat(Chat.plain("x"), ASYNC);
      assertThat(answer.statusCode()).isEqualTo(503);
      FailuresTest.error(answer.body(), "no_store");
      assertThat(answer.body()).contains("--data");
      assertThat(header(answer, "x-should-retry")).isEqualTo("false");
      assertThat(answer.headers().firstValue("retry-after")).isEmpty();
      assertThat(upstream.calls()).isZero();
    }
  }

  @Test
  void wantsAnUpstreamKeyOfItsOwn() throws Exception {
    try (var gateway = gateway()) {
      for (String[] headers :
          new String[][] {
            {"Prefer", "respond-async", "Authorization", "Bearer sk-mine"},
            {"Prefer", "respond-async, wait=5", "Authorization", "Bearer sk-mine"},
            {"Prefer", "respond-async", "api-key", "sk-mine"}
          }) {
        var answer = gateway.chat(Chat.plain("x"), headers);
        assertThat(answer.statusCode()).isEqualTo(400);
        FailuresTest.error(answer.body(), "upstream_key_required");
      }
      assertThat(upstream.calls()).isZero();
    }
  }

  @Test
  void refusesWhatItDoesNotUnderstand() throws Exception {
    try (var gateway = gateway()) {
      for (String[] each :
          new String[][] {
            {"Prefer", "respond-async, wait=soon", "invalid_prefer"},
            {"Prefer", "wait=-1", "invalid_prefer"},
            {"Prefer", "wait=", "invalid_prefer"},
            {"Meanwhile-Budget", "fast", "invalid_budget"},
            {"Meanwhile-Budget", "0s", "invalid_budget"},
            {"Meanwhile-Budget", "300", "invalid_budget"},
            {"Meanwhile-Budget", "999999999h", "invalid_budget"},
            {"Idempotency-Key", "two words", "invalid_idempotency_key"},
            {"Idempotency-Key", "", "invalid_idempotency_key"},
            {"Idempotency-Key", "k".repeat(256), "invalid_idempotency_key"}
          }) {
        var answer = gateway.chat(Chat.plain("x"), each[0], each[1]);
        assertThat(answer.statusCode()).as(each[0] + ": " + each[1]).isEqualTo(400);
        FailuresTest.error(answer.body(), Objects.requireNonNull(each[2]));
        assertThat(json(answer.body()).path("error").path("param").asString()).isEqualTo(each[0]);
      }
      assertThat(upstream.calls()).isZero();
    }
  }
}
