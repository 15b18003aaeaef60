package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Simulation;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Leaving is not stopping: what becomes of a call when its caller goes away. How long the graces
/// are is tested with a virtual clock in the engine; here, that each kind of call is given its own.
class LeavingTest {
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  @Test
  void stopsAPlainCallAtOnce() throws Exception {
    try (var simulation = new Simulation();
        var gateway = Gateway.before(simulation.url())) {
      for (String model : new String[] {"sim-fast:stall", "sim-fast:stall,slow-head"}) {
        long before = simulation.stats().cancelled();
        long calls = simulation.stats().calls();
        try (var wire = gateway.wire().chat(Chat.plain("x").replace("\"m\"", '"' + model + '"'))) {
          Eventually.until("it is upstream", () -> simulation.stats().calls() == calls + 1);
          assertThat(wire).isNotNull();
        }
        Eventually.until(
            "the silent upstream is left", () -> simulation.stats().cancelled() == before + 1);
      }
    }
  }

  @Test
  void stopsAPlainCallInTheMiddleOfItsAnswer() throws Exception {
    try (var gateway = Gateway.before(upstream)) {
      Exchange call;
      try (var wire = gateway.wire().chat(Chat.plain("x"))) {
        call = upstream.take();
        call.write(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{");
        assertThat(wire).isNotNull();
      }
      call.awaitGone();
    }
  }

  @Test
  void keepsACallThatAnSdkOrAnIdempotencyKeyWillComeBackFor() throws Exception {
    for (String header : new String[] {"X-Stainless-Retry-Count: 0", "Idempotency-Key: k"}) {
      try (var gateway = Gateway.before(upstream)) {
        Exchange kept;
        try (var wire = gateway.wire().chat(Chat.plain("x"), header)) {
          kept = upstream.take();
          assertThat(wire).isNotNull();
        }
        assertStaysAfterAnotherIsStopped(gateway, kept);
      }
    }
  }

  @Test
  void keepsAStreamForAWhile() throws Exception {
    try (var gateway = Gateway.before(upstream)) {
      Exchange kept;
      String path;
      try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
        kept = upstream.take();
        kept.stream();
        kept.event(Chat.chunk("one "));
        assertThat(wire.status()).isEqualTo(200);
        path = "/v1/runs/" + wire.header("meanwhile-run");
      }
      assertStaysAfterAnotherIsStopped(gateway, kept);
      kept.event(Chat.chunk("two"));
      kept.event(Chat.stop());
      kept.done();
      Eventually.until(
          "it is whole", () -> gateway.get(path).body().contains("\"status\":\"completed\""));
      assertThat(gateway.get(path).body()).contains("\"text\":\"one two\"");
    }
  }

  /// A plain call that is made and left afterwards is stopped, so that this one was not is no
  /// matter of time.
  private void assertStaysAfterAnotherIsStopped(Gateway gateway, Exchange kept) throws Exception {
    Exchange left;
    try (var wire = gateway.wire().chat(Chat.plain("other"))) {
      left = upstream.take();
      assertThat(wire).isNotNull();
    }
    left.awaitGone();
    assertThat(kept.isGone()).isFalse();
  }

  @Test
  void letsACallGoOnWhereThePolicySaysSo() throws Exception {
    for (String policy : new String[] {"finish", "continue"}) {
      try (var gateway = Gateway.before(upstream, "--on-leave=" + policy)) {
        Exchange kept;
        try (var wire = gateway.wire().chat(Chat.plain("x"))) {
          kept = upstream.take();
          assertThat(wire).isNotNull();
        }
        Eventually.until(
            "it is seen that the caller left",
            () -> gateway.get("/metrics").body().contains("meanwhile_runs_open 1.0"));
        kept.json(200, Chat.answer("whole"));
        Eventually.until("its line is there", () -> gateway.log().contains("\"run\""));
        assertThat(gateway.log()).as(policy).contains("\"status\":\"completed\"");
      }
    }
  }

  @Test
  void cancelsAtOnceWithTheDefaultPolicy() throws Exception {
    try (var gateway = Gateway.before(upstream)) {
      try (var wire = gateway.wire().chat(Chat.plain("x"))) {
        assertThat(upstream.take().isGone()).isFalse();
        assertThat(wire).isNotNull();
      }
      Eventually.until("its line is there", () -> gateway.log().contains("\"run\""));
      assertThat(gateway.log()).contains("\"status\":\"cancelled\"");
    }
  }

  @Test
  void goesOnWhileOneOfSeveralCallersIsThere() throws Exception {
    try (var gateway = Gateway.before(upstream, "--loops=2");
        var stays = gateway.wire().chat(Chat.plain("x", Chat.ZERO))) {
      Exchange call = upstream.take();
      for (int i = 0; i < 3; i++) {
        try (var leaves = gateway.wire().chat(Chat.plain("x", Chat.ZERO))) {
          int open = i + 2;
          Eventually.until(
              "it attaches",
              () -> gateway.get("/metrics").body().contains("meanwhile_runs_open " + open + ".0"));
          assertThat(leaves).isNotNull();
        }
      }
      assertStaysAfterAnotherIsStopped(gateway, call);
      call.json(200, Chat.answer("whole"));
      assertThat(stays.status()).isEqualTo(200);
      assertThat(stays.rest()).contains("whole");
    }
  }

  @Test
  void aReaderOfTheRunKeepsItToo() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var reader = gateway.wire()) {
      Exchange call;
      try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
        call = upstream.take();
        call.stream();
        call.event(Chat.chunk("one "));
        assertThat(wire.status()).isEqualTo(200);
        reader.get("/v1/runs/" + wire.header("meanwhile-run"), "Accept: text/event-stream");
        assertThat(reader.status()).isEqualTo(200);
        assertThat(reader.event()).contains("status");
        assertThat(reader.event()).contains("one ");
      }
      call.event(Chat.chunk("two"));
      assertThat(reader.event()).contains("two");
      call.event(Chat.stop());
      call.done();
      assertThat(reader.event()).contains("completed");
    }
  }

  /// A server that stops ends at once what nobody reads, so that it lets this go on is no matter of
  /// the grace.
  @Test
  void aLongPollOfTheRunKeepsItToo() throws Exception {
    try (var gateway = Gateway.before(upstream, "--loops=1", "--shutdown-timeout=30s");
        var poll = gateway.wire();
        var other = gateway.wire()) {
      Exchange call;
      String path;
      try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
        call = upstream.take();
        call.stream();
        call.event(Chat.chunk("one "));
        assertThat(wire.status()).isEqualTo(200);
        path = "/v1/runs/" + wire.header("meanwhile-run");
        // Then there is a connection to poll on, and it polls before anything else is asked.
        poll.get(path);
        assertThat(poll.status()).isEqualTo(200);
        assertThat(poll.rest()).contains("in_progress");
        poll.get(path, "Prefer: wait=60");
      }
      Eventually.until(
          "it is seen that the caller left",
          () -> gateway.get("/metrics").body().contains("meanwhile_open_streams 0.0"));
      Thread stopping = Thread.ofVirtual().start(gateway::stop);
      Eventually.until("it is not ready", () -> gateway.get("/health/ready").statusCode() == 503);
      FailuresTest.error(other.chat(Chat.plain("y")), 503, "shutting_down");
      call.event(Chat.chunk("two"));
      call.event(Chat.stop());
      call.done();
      assertThat(poll.status()).isEqualTo(200);
      assertThat(poll.rest()).contains("\"status\":\"completed\"", "\"text\":\"one two\"");
      stopping.join();
    }
  }
}
