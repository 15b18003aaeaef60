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
import dev.meanwhile.server.kit.SlowStore;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// A caller whose time runs out leaves with its run's address, and nothing is lost: one upstream
/// call, the whole text afterwards.
class DetachingTest {
  private static final String[] PATIENT = {"Prefer", "respond-async, wait=60"};
  private static final String[] HASTY = {"Prefer", "respond-async, wait=0.05"};

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private Gateway gateway() {
    return Gateway.keeping(data, upstream);
  }

  private Gateway keyed(boolean mayDetach) throws Exception {
    return Gateway.configured(
        data,
        """
        keys:
          - {tenant: shop, sha256: %s, may-detach: %s}
          - {tenant: ops, sha256: %s, admin: true}
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        """
            .formatted(
                SafetyTest.sha256("mw-shop"),
                mayDetach,
                SafetyTest.sha256("mw-ops"),
                upstream.url()));
  }

  private static String metrics(Gateway gateway, String... headers) throws Exception {
    return gateway.get("/metrics", headers).body();
  }

  @Test
  void answers200IfItIsDoneInTime() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire().chat(Chat.plain("x"), "Prefer: respond-async, wait=60")) {
      say(upstream.take(), "one ", "two");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("preference-applied")).isEqualTo("wait=60");
      assertThat(wire.header("vary")).isEqualTo("Prefer");
      assertThat(wire.header("location")).isNull();
      assertThat(wire.rest()).contains("\"one two\"").contains("\"object\":\"chat.completion\"");
    }
  }

  @Test
  void answers202WithTheSameRunIfItIsNot() throws Exception {
    try (var gateway = gateway()) {
      var answer = gateway.chat(Chat.plain("x"), HASTY);
      assertThat(answer.statusCode()).isEqualTo(202);
      assertThat(header(answer, "preference-applied")).isEqualTo("respond-async, wait=0.05");
      String run = header(answer, "meanwhile-run");
      assertThat(header(answer, "location")).endsWith("/v1/chat/completions/" + run);
      say(upstream.take(), "one ", "two");
      assertThat(ended(gateway, run).path("text").asString()).isEqualTo("one two");
      assertThat(upstream.calls()).isEqualTo(1);
    }
    // It was kept before it was answered.
    try (var gateway = gateway()) {
      assertThat(gateway.get("/v1/runs?limit=1").body()).contains("completed");
    }
  }

  @Test
  void losesNothingThatCameBeforeItLeft() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire().chat(Chat.plain("x"), "Prefer: respond-async, wait=0.3")) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("before "));
      assertThat(wire.status()).isEqualTo(202);
      String run = String.valueOf(wire.header("meanwhile-run"));
      assertThat(wire.rest()).contains("in_progress");
      call.event(Chat.chunk("after"));
      call.event(Chat.stop());
      call.done();
      assertThat(ended(gateway, run).path("text").asString()).isEqualTo("before after");
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  @Test
  void goesOnAfterARestart() throws Exception {
    String run;
    try (var gateway = gateway()) {
      var answer = gateway.chat(Chat.plain("x"), HASTY);
      assertThat(answer.statusCode()).isEqualTo(202);
      run = header(answer, "meanwhile-run");
      upstream.take();
    }
    try (var gateway = gateway()) {
      say(upstream.take(), "whole");
      assertThat(ended(gateway, run).path("text").asString()).isEqualTo("whole");
    }
  }

  @Test
  void keepsABudgetWhereTheKeyMayDetach() throws Exception {
    try (var gateway = keyed(true)) {
      var late =
          gateway.chat(
              Chat.plain("x"), "Meanwhile-Budget", "50ms", "Authorization", "Bearer mw-shop");
      assertThat(late.statusCode()).isEqualTo(202);
      assertThat(header(late, "server-timing")).contains("budget;dur=50;desc=\"detached\"");
      assertThat(late.headers().firstValue("preference-applied")).isEmpty();
      Exchange call = upstream.take();
      assertThat(call.header("meanwhile-budget")).isNull();
      say(call, "a");
      try (var wire =
          gateway
              .wire()
              .chat(Chat.plain("y"), "Meanwhile-Budget: 60s", "Authorization: Bearer mw-shop")) {
        say(upstream.take(), "b");
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.header("server-timing")).contains("budget;dur=60000;desc=\"within\"");
        wire.rest();
      }
      assertThat(metrics(gateway, "Authorization", "Bearer mw-ops"))
          .contains("meanwhile_budget_total{operation=\"\",outcome=\"detached\"} 1.0")
          .contains("meanwhile_budget_total{operation=\"\",outcome=\"within\"} 1.0");
    }
  }

  @Test
  void detachesEmbeddings() throws Exception {
    String floats = "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[1.0,-2.5]}]}";
    String base64 = floats.replace("[1.0,-2.5]", "\"AACAPwAAIMA=\"");
    String body = "{\"model\":\"e\",\"input\":\"a\",\"encoding_format\":\"base64\"}";
    String shop = "Authorization: Bearer mw-shop";
    try (var gateway = keyed(true)) {
      for (String[] wait :
          new String[][] {
            {"Prefer: respond-async, wait=60", "Prefer: respond-async, wait=0.05"},
            {"Meanwhile-Budget: 60s", "Meanwhile-Budget: 50ms"}
          }) {
        try (var wire = gateway.wire()) {
          wire.post("/v1/embeddings", body, wait[0], shop);
          Exchange call = upstream.take();
          assertThat(call.body()).isEqualTo(body);
          call.json(200, floats);
          assertThat(wire.status()).isEqualTo(200);
          assertThat(wire.rest()).isEqualTo(base64);

          // Another input: else it would share what is under way.
          wire.post("/v1/embeddings", body.replace("\"a\"", "\"b\""), wait[1], shop);
          assertThat(wire.status()).isEqualTo(202);
          String run = String.valueOf(wire.header("meanwhile-run"));
          assertThat(wire.header("location")).endsWith("/v1/runs/" + run);
          JsonNode accepted = json(wire.rest());
          assertThat(accepted.path("object").asString()).isEqualTo("list");
          assertThat(accepted.path("data").isEmpty()).isTrue();
          upstream.take().json(200, floats);
          var end =
              gateway.get(
                  "/v1/runs/" + run, "Prefer", "wait=30", "Authorization", "Bearer mw-shop");
          assertThat(json(end.body()).path("output")).isEqualTo(json(base64));
        }
      }
      assertThat(upstream.calls()).isEqualTo(4);
    }
  }

  @Test
  void goesOnWaitingWhereTheKeyMayNot() throws Exception {
    try (var gateway = keyed(false);
        var wire =
            gateway
                .wire()
                .chat(Chat.plain("x"), "Meanwhile-Budget: 1ms", "Authorization: Bearer mw-shop")) {
      Exchange call = upstream.take();
      long sent = System.nanoTime();
      Eventually.until("the budget has run out", () -> System.nanoTime() - sent > 2_000_000);
      call.json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("server-timing")).contains("budget;dur=1;desc=\"late\"");
      wire.rest();
      assertThat(metrics(gateway, "Authorization", "Bearer mw-ops"))
          .contains("meanwhile_budget_total{operation=\"\",outcome=\"late\"} 1.0");
    }
  }

  @Test
  void goesOnWaitingWhereTheRunCannotBeKept() throws Exception {
    var store = new SlowStore(Gateway.store(data));
    store.inTrouble("the disk is full");
    try (var gateway = Gateway.over(store, upstream);
        var wire =
            gateway
                .wire()
                .chat(
                    Chat.plain("x"),
                    "Prefer: respond-async, wait=0.01",
                    "Meanwhile-Budget: 10ms")) {
      Exchange call = upstream.take();
      long sent = System.nanoTime();
      Eventually.until("its time has run out", () -> System.nanoTime() - sent > 100_000_000);
      say(call, "a");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("server-timing")).contains("desc=\"late\"");
      assertThat(wire.header("preference-applied")).isNull();
      assertThat(wire.rest()).contains("\"a\"");
      var async = gateway.chat(Chat.plain("y"), "Prefer", "respond-async");
      assertThat(async.statusCode()).isEqualTo(503);
      FailuresTest.error(async.body(), "store_unavailable");
      assertThat(async.body()).contains("the disk is full");
      assertThat(header(async, "retry-after")).isEqualTo("1");
      assertThat(async.headers().firstValue("x-should-retry")).isEmpty();
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  /// The end comes while the promise is on its way to the disk.
  @Test
  void answersOnceIfTheEndComesWhileItIsBeingKept() throws Exception {
    var store = new SlowStore(Gateway.store(data));
    try (var gateway = Gateway.over(store, upstream);
        var wire = gateway.wire()) {
      store.hold();
      wire.chat(Chat.plain("x"), "Prefer: respond-async, wait=0.01");
      Exchange call = upstream.take();
      Eventually.until("the promise is asked for", () -> store.waiting() == 1);
      say(call, "whole");
      Eventually.until("the end is to be kept too", () -> store.waiting() == 2);
      store.letGo();
      assertThat(wire.status()).isEqualTo(202);
      String run = String.valueOf(wire.header("meanwhile-run"));
      wire.rest();
      assertThat(ended(gateway, run).path("text").asString()).isEqualTo("whole");
      // Nothing else was sent to this caller: its connection serves the next request.
      wire.get("/v1/runs/" + run);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("\"whole\"");
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  /// Whatever comes first, there is one answer of the two, one upstream call, and the whole text.
  @Test
  void answersOnceWheneverTheEndComes() throws Exception {
    try (var gateway = gateway()) {
      for (int i = 0; i < 40; i++) {
        try (var wire = gateway.wire()) {
          wire.chat(Chat.plain("x" + i), "Prefer: respond-async, wait=0.0" + (10 + i % 10));
          Exchange call = upstream.take();
          call.stream();
          call.event(Chat.chunk("whole"));
          call.event(Chat.stop());
          long until = System.nanoTime() + (5 + i % 10) * 1_000_000L;
          Eventually.until("the end is near", () -> System.nanoTime() > until);
          call.done();
          int status = wire.status();
          assertThat(status).isIn(200, 202);
          String run = String.valueOf(wire.header("meanwhile-run"));
          String body = wire.rest();
          assertThat(status == 202 || body.contains("\"whole\"")).as(body).isTrue();
          assertThat(ended(gateway, run).path("text").asString()).isEqualTo("whole");
          wire.get("/v1/runs/" + run);
          assertThat(wire.status()).isEqualTo(200);
          wire.rest();
        }
        assertThat(upstream.calls()).isEqualTo(i + 1);
      }
    }
  }

  @Test
  void letsAStreamGoOn() throws Exception {
    try (var gateway = gateway();
        var wire =
            gateway
                .wire()
                .chat(
                    Chat.streamed("x"),
                    "Prefer: respond-async, wait=0.01",
                    "Authorization: Bearer sk-mine")) {
      Exchange call = upstream.take();
      // As any stream: as it came, with its caller's own key, which it does not outlive.
      assertThat(call.body()).isEqualTo(Chat.streamed("x"));
      assertThat(call.header("authorization")).isEqualTo("Bearer sk-mine");
      call.stream();
      call.event(Chat.chunk("one"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("preference-applied")).isNull();
      assertThat(wire.event()).contains("one");
      call.event(Chat.stop());
      call.done();
      assertThat(wire.rest()).endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void answersAStream202IfItsCallerWaitsForNothing() throws Exception {
    try (var gateway = gateway()) {
      var answer = gateway.chat(Chat.streamed("x"), "Prefer", "respond-async, wait=0");
      assertThat(answer.statusCode()).isEqualTo(202);
      assertThat(header(answer, "preference-applied")).isEqualTo("respond-async, wait=0");
      say(upstream.take(), "whole");
      assertThat(ended(gateway, header(answer, "meanwhile-run")).path("text").asString())
          .isEqualTo("whole");
    }
  }

  @Test
  void passesAnUpstreamsFailureOn() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire().chat(Chat.plain("x"), PATIENT[0] + ": " + PATIENT[1])) {
      upstream.take().json(429, "{\"error\":{\"message\":\"slow down\"}}", "retry-after: 7");
      assertThat(wire.status()).isEqualTo(429);
      assertThat(wire.header("retry-after")).isEqualTo("7");
      wire.rest();
    }
  }
}
