package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Every limit, with its error, and nobody who is slow delays another.
class LimitsTest {
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  @Test
  void limitsOpenRuns() throws Exception {
    try (var gateway = Gateway.before(upstream, "--max-runs=2");
        var one = gateway.wire().chat(Chat.plain("1"));
        var two = gateway.wire().chat(Chat.plain("2"));
        var three = gateway.wire()) {
      Exchange first = upstream.take();
      Exchange second = upstream.take();
      three.chat(Chat.plain("3"));
      FailuresTest.error(three, 503, "too_many_runs");
      assertThat(three.header("retry-after")).isEqualTo("1");
      first.json(200, Chat.answer("a"));
      second.json(200, Chat.answer("a"));
      assertThat(one.status()).isEqualTo(200);
      assertThat(two.status()).isEqualTo(200);
      three.chat(Chat.plain("3"));
      upstream.take().json(200, Chat.answer("a"));
      assertThat(three.status()).isEqualTo(200);
    }
  }

  @Test
  void limitsTheReadersOfOneRun() throws Exception {
    try (var gateway = Gateway.before(upstream, "--max-readers=2");
        var caller = gateway.wire().chat(Chat.streamed("x"));
        var events = gateway.wire();
        var tooMany = gateway.wire()) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("a"));
      assertThat(caller.status()).isEqualTo(200);
      String path = "/v1/runs/" + caller.header("meanwhile-run");
      events.get(path, "Accept: text/event-stream");
      assertThat(events.status()).isEqualTo(200);
      assertThat(events.event()).contains("status");
      for (String[] headers : new String[][] {{"Accept: text/event-stream"}, {"Prefer: wait=9"}}) {
        tooMany.get(path, headers);
        assertThat(tooMany.status()).isEqualTo(503);
        assertThat(tooMany.rest()).contains("too_many_readers");
      }
      tooMany.get(path);
      assertThat(tooMany.status()).as("a snapshot is no reader").isEqualTo(200);
      tooMany.rest();
    }
  }

  @Test
  void limitsConnectionsAndCountsThemRight() throws Exception {
    try (var gateway = Gateway.before(upstream, "--max-connections=2", "--loops=2");
        var one = gateway.wire();
        var two = gateway.wire()) {
      for (Wire wire : new Wire[] {one, two}) {
        wire.get("/health/live");
        assertThat(wire.status()).isEqualTo(200);
        wire.rest();
      }
      try (var three = gateway.wire()) {
        three.get("/health/live");
        FailuresTest.error(three, 503, "too_many_connections");
        assertThat(three.isClosed()).isTrue();
      }
      one.leave();
      Eventually.until(
          "there is room again",
          () -> {
            try (var next = gateway.wire().get("/health/live")) {
              return next.status() == 200;
            }
          });
    }
  }

  @Test
  void closesIdleConnectionsButNoneWithACallUnderWay() throws Exception {
    try (var gateway = Gateway.before(upstream, "--idle-timeout=100ms");
        var silent = gateway.wire();
        var halfHead = gateway.wire().send("GET /v1/models HT");
        var used = gateway.wire().get("/health/live");
        var waiting = gateway.wire().chat(Chat.plain("x"))) {
      assertThat(used.status()).isEqualTo(200);
      used.rest();
      assertThat(silent.isClosed()).isTrue();
      assertThat(halfHead.isClosed()).isTrue();
      assertThat(used.isClosed()).isTrue();
      upstream.take().json(200, Chat.answer("late"));
      assertThat(waiting.status()).isEqualTo(200);
    }
  }

  @Test
  void boundsThePoolAndItsQueue() throws Exception {
    String yaml =
        """
        server: {loops: 1}
        upstreams: {only: {base-url: '%s', max-connections: 2, max-queue: 1}}
        """
            .formatted(upstream.url());
    try (var gateway = Gateway.configured(yaml)) {
      var wires = new ArrayList<Wire>();
      var calls = new ArrayList<Exchange>();
      for (int i = 0; i < 2; i++) {
        wires.add(gateway.wire().chat(Chat.plain("x" + i)));
        calls.add(upstream.take());
      }
      wires.add(gateway.wire().chat(Chat.plain("waits")));
      Eventually.until(
          "it waits", () -> gateway.get("/metrics").body().contains("meanwhile_runs_open 3.0"));
      try (var wire = gateway.wire().chat(Chat.plain("too many"))) {
        assertThat(FailuresTest.error(wire, 503, "upstream_busy").path("message").asString())
            .contains("max-connections", "max-queue");
        assertThat(wire.header("retry-after")).isEqualTo("1");
      }
      calls.getFirst().json(200, Chat.answer("a"));
      Exchange waited = upstream.take();
      assertThat(waited.body()).contains("waits");
      waited.json(200, Chat.answer("a"));
      calls.getLast().json(200, Chat.answer("a"));
      for (Wire wire : wires) {
        assertThat(wire.status()).isEqualTo(200);
        wire.close();
      }
      assertThat(upstream.connections()).isEqualTo(2);
    }
  }

  @Test
  void isNotDelayedByAReaderThatStandsStill() throws Exception {
    try (var gateway = Gateway.before(upstream, "--loops=1");
        var stalled = small(gateway.port());
        var reads = gateway.wire()) {
      new Wire(stalled).chat(Chat.shared("x"));
      Exchange call = upstream.take();
      reads.chat(Chat.shared("x"));
      call.stream();
      var sent = new StringBuilder();
      String part = "data: " + Chat.chunk("y".repeat(50_000)) + "\n\n";
      assertThat(reads.status()).isEqualTo(200);
      for (int i = 0; i < 100; i++) {
        call.chunk(part);
        assertThat(reads.event()).isEqualTo(part);
        sent.append(part);
      }
      String end = "data: " + Chat.stop() + "\n\ndata: [DONE]\n\n";
      call.chunk(end);
      call.end();
      assertThat(reads.rest()).isEqualTo(end);
      // When it reads at last, it gets everything.
      try (var wire = new Wire(stalled)) {
        assertThat(wire.status()).isEqualTo(200);
        String all = wire.rest().replace(":\n\n", "");
        assertThat(all.equals(sent + end)).as("%,d of %,d", all.length(), sent.length()).isTrue();
      }
    }
  }

  @Test
  void doesNotCallASlowCallerIdleWhileItTakesItsAnswer() throws Exception {
    String answer = Chat.answer("y".repeat(8_000_000));
    try (var gateway = Gateway.before(upstream, "--idle-timeout=2500ms", "--loops=1");
        var socket = small(gateway.port());
        var idle = gateway.wire()) {
      var wire = new Wire(socket).chat(Chat.plain("x"));
      upstream.take().json(200, answer);
      assertThat(wire.status()).isEqualTo(200);
      // A connection that does nothing is closed twice in the time that this one takes.
      var body = new StringBuilder();
      for (int i = 0; i < 2; i++) {
        try (var other = gateway.wire()) {
          body.append(wire.take(100_000));
          assertThat(other.isClosed()).isTrue();
        }
      }
      assertThat(idle.isClosed()).isTrue();
      assertThat((body + wire.rest()).equals(answer)).isTrue();
    }
  }

  private static Socket small(int port) throws Exception {
    var socket = new Socket();
    socket.setReceiveBufferSize(8_192);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    return socket;
  }
}
