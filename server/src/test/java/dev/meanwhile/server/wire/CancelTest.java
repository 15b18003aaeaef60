package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Simulation;
import dev.meanwhile.server.kit.Wire;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Stopping is a verb: final, idempotent, and nobody else's loss.
class CancelTest {
  private static JsonNode json(String text) {
    return new JsonMapper().readTree(text);
  }

  private static void assertCancelled(Gateway gateway, String path, String text) throws Exception {
    String first = "";
    for (int i = 0; i < 3; i++) {
      var answer = gateway.post(path + "/cancel", "");
      assertThat(answer.statusCode()).isEqualTo(200);
      JsonNode snapshot = json(answer.body());
      assertThat(snapshot.path("status").asString()).isEqualTo("cancelled");
      assertThat(snapshot.path("text").asString()).isEqualTo(text);
      assertThat(first.isEmpty() || first.equals(answer.body())).as("the same again").isTrue();
      first = answer.body();
    }
    assertThat(gateway.get(path).body()).isEqualTo(first);
  }

  @Test
  void stopsAStreamAndKeepsItsText() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.before(upstream);
        var wire = gateway.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("part"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).contains("part");
      String path = "/v1/runs/" + wire.header("meanwhile-run");
      assertCancelled(gateway, path, "part");
      call.awaitGone();
      FailuresTest.broken(wire, "run_cancelled");
      assertThat(json(gateway.get(path).body()).path("output").path("choices").path(0).toString())
          .contains("part");
    }
  }

  @Test
  void stopsACallBeforeItsFirstToken() throws Exception {
    try (var simulation = new Simulation();
        var gateway = Gateway.before(simulation.url(), "--hold=0s");
        var wire = gateway.wire().chat(Chat.streamed("x").replace("\"m\"", "\"sim-fast:stall\""))) {
      assertThat(wire.status()).isEqualTo(200);
      Eventually.until("the call is upstream", () -> simulation.stats().calls() == 1);
      assertCancelled(gateway, "/v1/runs/" + wire.header("meanwhile-run"), "");
      FailuresTest.broken(wire, "run_cancelled");
      Eventually.until("upstream sees it", () -> simulation.stats().cancelled() == 1);
    }
  }

  @Test
  void answersAPlainCallerWhoseRunIsStopped() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.before(upstream);
        var streaming = gateway.wire().chat(Chat.shared("x"));
        var plain = gateway.wire()) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("a"));
      assertThat(streaming.status()).isEqualTo(200);
      plain.chat(Chat.plain("x", Chat.ZERO));
      Eventually.until("it attaches", () -> gateway.get("/metrics").body().contains("runs_open 2"));
      // The log's own call is stopped only when both runs are.
      assertCancelled(gateway, "/v1/runs/" + streaming.header("meanwhile-run"), "a");
      assertThat(call.isGone()).isFalse();
      call.event(Chat.chunk("b"));
      call.event(Chat.stop());
      call.event(Chat.usage());
      call.done();
      assertThat(plain.status()).isEqualTo(200);
      assertThat(plain.rest()).contains("\"ab\"");
    }
  }

  @Test
  void leavesTheOtherRunsOfTheLogAlone() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.before(upstream, "--loops=2")) {
      var wires = new ArrayList<Wire>();
      for (int i = 0; i < 3; i++) {
        wires.add(gateway.wire().chat(Chat.shared("x")));
      }
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("one "));
      var paths = new ArrayList<String>();
      for (Wire wire : wires) {
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.event()).contains("one ");
        paths.add("/v1/runs/" + wire.header("meanwhile-run"));
      }
      assertThat(paths).doesNotHaveDuplicates();
      assertCancelled(gateway, paths.get(1), "one ");
      FailuresTest.broken(wires.get(1), "run_cancelled");
      call.event(Chat.chunk("two"));
      call.event(Chat.stop());
      call.done();
      for (int other : List.of(0, 2)) {
        assertThat(wires.get(other).rest()).contains("two").endsWith("data: [DONE]\n\n");
        JsonNode snapshot = json(gateway.get(paths.get(other)).body());
        assertThat(snapshot.path("status").asString()).isEqualTo("completed");
        assertThat(snapshot.path("text").asString()).isEqualTo("one two");
      }
      assertThat(upstream.calls()).isEqualTo(1);
      assertCancelled(gateway, paths.get(1), "one ");
      for (Wire wire : wires) {
        wire.close();
      }
    }
  }

  @Test
  void stopsTheCallWithTheLastRun() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.before(upstream);
        var one = gateway.wire().chat(Chat.shared("x"));
        var other = gateway.wire().chat(Chat.shared("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("a"));
      for (Wire wire : List.of(one, other)) {
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.event()).contains("\"a\"");
        assertThat(call.isGone()).isFalse();
        assertCancelled(gateway, "/v1/runs/" + wire.header("meanwhile-run"), "a");
      }
      call.awaitGone();
    }
  }

  @Test
  void changesNothingAfterTheEnd() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.before(upstream);
        var wire = gateway.wire().chat(Chat.plain("x"))) {
      upstream.take().json(200, Chat.answer("whole"));
      assertThat(wire.status()).isEqualTo(200);
      var answer = gateway.post("/v1/runs/" + wire.header("meanwhile-run") + "/cancel", "{}");
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(json(answer.body()).path("status").asString()).isEqualTo("completed");
    }
  }
}
