package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Who shares an upstream call with whom, and who never does.
class CoalescingTest {
  private static final String USAGE = "\"stream_options\":{\"include_usage\":true}";
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private static void awaitOpen(Gateway gateway, int runs) throws Exception {
    Eventually.until(
        runs + " runs are open",
        () -> gateway.get("/metrics").body().contains("meanwhile_runs_open " + runs + ".0\n"));
  }

  @Test
  void answersAThousandIdenticalCallsWithOne() throws Exception {
    try (var gateway = Gateway.before(upstream, "--loops=2");
        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
      for (int i = 0; i < 1_000; i++) {
        // Members in another order and other white space: the same request.
        String body =
            i % 2 == 0
                ? Chat.plain("x", Chat.ZERO)
                : "{ \"temperature\":0.0, " + Chat.plain("x").substring(1);
        answers.add(
            client.sendAsync(
                gateway
                    .request("/v1/chat/completions")
                    .POST(HttpRequest.BodyPublishers.ofString(body))
                    .build(),
                HttpResponse.BodyHandlers.ofString()));
      }
      Exchange call = upstream.take();
      awaitOpen(gateway, 1_000);
      call.json(200, Chat.answer("shared"));
      var runs = new ArrayList<String>();
      int collapsed = 0;
      for (var each : answers) {
        var answer = each.get();
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(Chat.answer("shared"));
        runs.add(answer.headers().firstValue("meanwhile-run").orElseThrow());
        if (answer.headers().firstValue("cache-status").orElse("").contains("collapsed")) {
          collapsed++;
        }
      }
      assertThat(runs).as("each has a run of its own").doesNotHaveDuplicates();
      assertThat(collapsed).isEqualTo(999);
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  @Test
  void attachesToAStreamAnywhereInItsMiddle() throws Exception {
    try (var gateway = Gateway.before(upstream, "--loops=2")) {
      var wires = new ArrayList<Wire>();
      var sent = new StringBuilder();
      wires.add(gateway.wire().chat(Chat.shared("x")));
      Exchange call = upstream.take();
      call.stream();
      for (int i = 0; i < 40; i++) {
        String event = "data: " + Chat.chunk("t" + i) + "\n\n";
        call.chunk(event);
        sent.append(event);
        if (i % 8 == 0) {
          Wire next = gateway.wire().chat(Chat.shared("x"));
          wires.add(next);
          assertThat(next.status()).isEqualTo(200);
          assertThat(next.header("cache-status")).contains("collapsed");
          assertThat(next.event()).as("from the start").contains("\"t0\"");
        }
      }
      call.event(Chat.stop());
      call.event(Chat.usage());
      call.done();
      String rest = "data: " + Chat.stop() + "\n\ndata: " + Chat.usage() + "\n\ndata: [DONE]\n\n";
      String first = "data: " + Chat.chunk("t0") + "\n\n";
      assertThat(wires.getFirst().status()).isEqualTo(200);
      assertThat(wires.getFirst().rest()).isEqualTo(sent + rest);
      for (Wire wire : wires.subList(1, wires.size())) {
        assertThat(first + wire.rest()).isEqualTo(sent + rest);
        wire.close();
      }
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  @Test
  void givesAStreamedCallerThePlainCallInFlight() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var plain = gateway.wire().chat(Chat.plain("x", Chat.ZERO));
        var streamed = gateway.wire();
        var withUsage = gateway.wire()) {
      Exchange call = upstream.take();
      streamed.chat(Chat.streamed("x", Chat.ZERO));
      withUsage.chat(Chat.shared("x"));
      awaitOpen(gateway, 3);
      call.json(200, Chat.answer("hello"));
      assertThat(plain.status()).isEqualTo(200);
      assertThat(plain.rest()).isEqualTo(Chat.answer("hello"));
      assertThat(streamed.status()).isEqualTo(200);
      assertThat(streamed.header("content-type")).startsWith("text/event-stream");
      assertThat(streamed.rest())
          .contains("hello")
          .doesNotContain("total_tokens")
          .endsWith("data: [DONE]\n\n");
      assertThat(withUsage.status()).isEqualTo(200);
      assertThat(withUsage.rest()).contains("hello").contains("\"total_tokens\":3");
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  @Test
  void givesAStreamWithoutUsageOnlyToThoseWhoNeedNone() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var first = gateway.wire().chat(Chat.streamed("x", Chat.ZERO));
        var same = gateway.wire();
        var plain = gateway.wire();
        var withUsage = gateway.wire()) {
      Exchange call = upstream.take();
      same.chat(Chat.streamed("x", Chat.ZERO));
      awaitOpen(gateway, 2);
      plain.chat(Chat.plain("x", Chat.ZERO));
      Exchange plainCall = upstream.take();
      assertThat(plainCall.body()).doesNotContain("stream");
      // The plain answer serves everybody, so the next one shares that call.
      withUsage.chat(Chat.shared("x"));
      awaitOpen(gateway, 4);
      call.cut();
      FailuresTest.error(first, 502, "upstream_unreachable");
      FailuresTest.error(same, 502, "upstream_unreachable");
      plainCall.json(200, Chat.answer("hello"));
      assertThat(plain.status()).isEqualTo(200);
      assertThat(plain.rest()).isEqualTo(Chat.answer("hello"));
      assertThat(withUsage.status()).isEqualTo(200);
      assertThat(withUsage.rest()).contains("hello").contains("\"total_tokens\":3");
      assertThat(upstream.calls()).isEqualTo(2);
    }
  }

  @Test
  void hidesTheUsageFromAnAttachedCallerThatDidNotAsk() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var asked = gateway.wire().chat(Chat.shared("x"));
        var not = gateway.wire()) {
      Exchange call = upstream.take();
      not.chat(Chat.streamed("x", Chat.ZERO));
      awaitOpen(gateway, 2);
      call.stream();
      call.event(Chat.chunk("a"));
      call.event(Chat.stop());
      call.event(Chat.usage());
      call.done();
      assertThat(asked.status()).isEqualTo(200);
      assertThat(asked.rest()).contains("total_tokens");
      assertThat(not.status()).isEqualTo(200);
      assertThat(not.rest()).doesNotContain("total_tokens").endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void neverSharesWhatDiffers() throws Exception {
    String[][] headers = {
      {"Authorization: Bearer one"},
      {"Authorization: Bearer two"},
      {"Authorization: Bearer one", "OpenAI-Organization: org-2"},
      {"Authorization: Bearer one", "OpenAI-Project: p-2"},
      {"Authorization: Bearer one", "OpenAI-Beta: b-2"},
      {"Authorization: Bearer one", "Cache-Control: no-cache"},
      {"Authorization: Bearer one", "Cache-Control: no-cache"},
    };
    String base = Chat.plain("x", Chat.ZERO);
    String[] bodies = {
      base.replace("\"m\"", "\"m2\""),
      Chat.plain("y", Chat.ZERO),
      Chat.plain("x", Chat.ZERO, "\"unknown_field\":1"),
      Chat.plain("x", Chat.ZERO, "\"max_tokens\":5"),
      Chat.plain("x", "\"temperature\":0.1"),
      Chat.plain("x", "\"temperature\":0.1"),
      Chat.plain("x"),
      Chat.plain("x"),
      Chat.plain("x", "\"temperature\":null"),
    };
    try (var gateway = Gateway.before(upstream)) {
      var wires = new ArrayList<Wire>();
      for (String[] each : headers) {
        wires.add(gateway.wire().chat(base, each));
        upstream.take();
      }
      for (String body : bodies) {
        wires.add(gateway.wire().chat(body, "Authorization: Bearer one"));
        upstream.take();
      }
      assertThat(upstream.calls()).isEqualTo(headers.length + bodies.length);
      for (Wire wire : wires) {
        wire.close();
      }
    }
  }

  @Test
  void sharesWhatDiffersOnlyInWhatChangesNoAnswer() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var first = gateway.wire().chat(Chat.plain("x", Chat.ZERO))) {
      Exchange call = upstream.take();
      var wires = new ArrayList<Wire>();
      for (String member :
          new String[] {
            "\"user\":\"u\"", "\"metadata\":{\"a\":\"b\"}", "\"store\":false", "\"stream\":false"
          }) {
        wires.add(gateway.wire().chat(Chat.plain("x", Chat.ZERO, member)));
      }
      awaitOpen(gateway, 5);
      call.json(200, Chat.answer("a"));
      assertThat(first.status()).isEqualTo(200);
      for (Wire wire : wires) {
        assertThat(wire.status()).isEqualTo(200);
        wire.close();
      }
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  @Test
  void sharesEmbeddingsWhateverTheirFormat() throws Exception {
    String body = "{\"model\":\"e\",\"input\":\"a\"}";
    try (var gateway = Gateway.before(upstream);
        var one = gateway.wire().post("/v1/embeddings", body);
        var other = gateway.wire()) {
      Exchange call = upstream.take();
      other.post("/v1/embeddings", body);
      awaitOpen(gateway, 2);
      call.json(200, "{\"data\":[{\"index\":0,\"embedding\":[0.5]}]}");
      for (Wire wire : List.of(one, other)) {
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).contains("0.5");
      }
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  @Test
  void tellsWhatItDid() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire().chat(Chat.plain("x", Chat.ZERO), "Cache-Control: no-cache")) {
      Exchange call = upstream.take();
      assertThat(call.header("cache-control")).isNull();
      call.json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("cache-status")).isEqualTo("meanwhile; fwd=request; detail=no-cache");
    }
  }

  @Test
  void doesAsTheServerIsTold() throws Exception {
    try (var gateway = Gateway.before(upstream, "--coalesce=true");
        var one = gateway.wire().chat(Chat.plain("x"));
        var other = gateway.wire()) {
      Exchange call = upstream.take();
      other.chat(Chat.plain("x"));
      awaitOpen(gateway, 2);
      call.json(200, Chat.answer("a"));
      assertThat(one.status()).isEqualTo(200);
      assertThat(other.status()).isEqualTo(200);
      assertThat(upstream.calls()).isEqualTo(1);
    }
    try (var gateway = Gateway.before(upstream, "--coalesce=false");
        var one = gateway.wire().chat(Chat.plain("x", Chat.ZERO));
        var other = gateway.wire().chat(Chat.plain("x", Chat.ZERO))) {
      upstream.take().json(200, Chat.answer("a"));
      upstream.take().json(200, Chat.answer("a"));
      assertThat(one.status()).isEqualTo(200);
      assertThat(other.status()).isEqualTo(200);
    }
  }

  @Test
  void doesAsTheKeyIsTold() throws Exception {
    String yaml =
        """
        keys:
          - {tenant: a, sha256: %s, coalesce: true, admin: true}
          - {tenant: b, sha256: %s, coalesce: false}
        upstreams: {only: {base-url: '%s'}}
        """
            .formatted(SafetyTest.sha256("key-a"), SafetyTest.sha256("key-b"), upstream.url());
    try (var gateway = Gateway.configured(yaml);
        var one = gateway.wire().chat(Chat.plain("x"), "Authorization: Bearer key-a");
        var other = gateway.wire();
        var third = gateway.wire();
        var fourth = gateway.wire()) {
      Exchange call = upstream.take();
      other.chat(Chat.plain("x"), "api-key: key-a");
      third.chat(Chat.plain("x", Chat.ZERO), "Authorization: Bearer key-b");
      Exchange thirdCall = upstream.take();
      fourth.chat(Chat.plain("x", Chat.ZERO), "Authorization: Bearer key-b");
      Exchange fourthCall = upstream.take();
      Eventually.until(
          "a's second call attaches",
          () -> gateway.get("/metrics", "api-key", "key-a").body().contains("runs_open 4"));
      for (Exchange each : List.of(call, thirdCall, fourthCall)) {
        each.json(200, Chat.answer("a"));
      }
      for (Wire wire : List.of(one, other, third, fourth)) {
        assertThat(wire.status()).isEqualTo(200);
      }
      assertThat(upstream.calls()).isEqualTo(3);
    }
  }

  @Test
  void givesAnSdksRetryTheCallInFlightAndItsAnswerAfterwards() throws Exception {
    String body = Chat.plain("x", "\"temperature\":1");
    try (var gateway = Gateway.before(upstream);
        var third = gateway.wire()) {
      Exchange call;
      try (var first = gateway.wire().chat(body, "X-Stainless-Retry-Count: 0")) {
        call = upstream.take();
        assertThat(first).isNotNull();
      }
      try (var second = gateway.wire().chat(body, "X-Stainless-Retry-Count: 1")) {
        awaitOpen(gateway, 2);
        assertThat(second).isNotNull();
      }
      third.chat(body, "X-Stainless-Retry-Count: 2");
      awaitOpen(gateway, 3);
      call.json(200, Chat.answer("late"));
      assertThat(third.status()).isEqualTo(200);
      assertThat(third.rest()).contains("late");
      // It did not hear us, and asks again.
      third.chat(body, "X-Stainless-Retry-Count: 3");
      assertThat(third.status()).isEqualTo(200);
      assertThat(third.rest()).contains("late");
      assertThat(upstream.calls()).isEqualTo(1);

      third.chat(body, "X-Stainless-Retry-Count: 3", "Cache-Control: no-cache");
      upstream.take().json(200, Chat.answer("fresh"));
      assertThat(third.status()).isEqualTo(200);
      assertThat(third.rest()).contains("fresh");
      third.chat(body, "X-Stainless-Retry-Count: 0");
      upstream.take().json(200, Chat.answer("first try of another call"));
      assertThat(third.status()).isEqualTo(200);
      assertThat(third.rest()).contains("another");
      third.chat(body, "X-Stainless-Retry-Count: 1", "Authorization: Bearer other");
      upstream.take().json(200, Chat.answer("of another credential"));
      assertThat(third.status()).isEqualTo(200);
      assertThat(third.rest()).contains("credential");
    }
  }

  @Test
  void doesNotGiveARetryAFailedAnswer() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire()) {
      wire.chat(Chat.plain("x"), "X-Stainless-Retry-Count: 0");
      upstream.take().json(500, "{\"error\":{}}");
      assertThat(wire.status()).isEqualTo(500);
      wire.rest();
      wire.chat(Chat.plain("x"), "X-Stainless-Retry-Count: 1");
      upstream.take().json(200, Chat.answer("good"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("good");
    }
  }

  @Test
  void forgetsAnAnswerAfterTheRetryWindow() throws Exception {
    try (var gateway = Gateway.before(upstream, "--retry-window=0s");
        var wire = gateway.wire()) {
      for (int i = 0; i < 2; i++) {
        wire.chat(Chat.plain("x"), "X-Stainless-Retry-Count: " + i);
        upstream.take().json(200, Chat.answer("a" + i));
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).contains("a" + i);
      }
    }
  }

  @Test
  void doesNotShareAnEndedCallUnlessItIsARetry() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire()) {
      for (int i = 0; i < 2; i++) {
        wire.chat(Chat.plain("x", Chat.ZERO, USAGE));
        upstream.take().json(200, Chat.answer("a" + i));
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).contains("a" + i);
      }
    }
  }
}
