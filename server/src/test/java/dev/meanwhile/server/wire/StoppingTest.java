package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What SIGTERM does, which calls [dev.meanwhile.server.Server#close].
class StoppingTest {
  @Test
  void finishesWhatIsUnderWayAndTakesNothingNew() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.before(upstream, "--shutdown-timeout=60s", "--loops=2");
        var stream = gateway.wire().chat(Chat.streamed("x"));
        var plain = gateway.wire();
        var relayed = gateway.wire();
        var other = gateway.wire()) {
      Exchange streaming = upstream.take();
      plain.chat(Chat.plain("y"));
      Exchange waiting = upstream.take();
      relayed.get("/v1/files/f/content");
      Exchange download = upstream.take();
      download.write("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc");
      assertThat(relayed.status()).isEqualTo(200);
      streaming.stream();
      streaming.event(Chat.chunk("one "));
      assertThat(stream.status()).isEqualTo(200);
      assertThat(stream.event()).contains("one ");
      assertThat(gateway.get("/health/ready").statusCode()).isEqualTo(200);

      Thread stopping = Thread.ofVirtual().start(gateway::stop);
      Eventually.until("it is not ready", () -> gateway.get("/health/ready").statusCode() == 503);
      assertThat(gateway.get("/health/live").statusCode()).isEqualTo(200);
      other.chat(Chat.plain("z"));
      FailuresTest.error(other, 503, "shutting_down");

      waiting.json(200, Chat.answer("whole"));
      assertThat(plain.status()).isEqualTo(200);
      assertThat(plain.rest()).contains("whole");
      streaming.event(Chat.chunk("two"));
      assertThat(stream.event()).contains("two");
      streaming.event(Chat.stop());
      streaming.done();
      assertThat(stream.rest()).endsWith("data: [DONE]\n\n");
      download.write("def");
      assertThat(relayed.rest()).isEqualTo("abcdef");
      stopping.join();
      assertThat(stream.isClosed()).isTrue();
      assertThat(gateway.log().lines()).hasSize(2);
    }
  }

  @Test
  void breaksWhatTakesTooLong() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.before(upstream, "--shutdown-timeout=200ms");
        var stream = gateway.wire().chat(Chat.streamed("x"));
        var plain = gateway.wire()) {
      Exchange streaming = upstream.take();
      streaming.stream();
      streaming.event(Chat.chunk("one "));
      assertThat(stream.status()).isEqualTo(200);
      assertThat(stream.event()).contains("one ");
      plain.chat(Chat.plain("y"));
      Exchange waiting = upstream.take();
      gateway.stop();
      FailuresTest.broken(stream, "shutting_down");
      FailuresTest.error(plain, 503, "shutting_down");
      streaming.awaitGone();
      waiting.awaitGone();
    }
  }

  /// The run has not ended: its readers are sent away to come back, and go on where they were.
  @Test
  void sendsReadersAwayFromARunThatGoesOnAfterTheRestart(@TempDir Path data) throws Exception {
    try (var upstream = RawUpstream.start()) {
      String run;
      String id;
      try (var gateway = Gateway.keeping(data, upstream, "--shutdown-timeout=200ms");
          var follower = gateway.wire();
          var poll = gateway.wire();
          var monitor = gateway.wire()) {
        run = AsyncTest.accepted(gateway, Chat.plain("x"));
        Exchange call = upstream.take();
        call.stream();
        call.event(Chat.chunk("one "));
        follower.get("/v1/runs/" + run, "Accept: text/event-stream");
        assertThat(follower.status()).isEqualTo(200);
        assertThat(follower.event()).contains("event: status");
        String delta = follower.event();
        assertThat(delta).contains("one ");
        id = delta.lines().findFirst().orElseThrow().substring("id: ".length());
        poll.get("/v1/runs/" + run, "Prefer: wait=60");
        monitor.get("/v1/chat/completions/" + run, "Prefer: wait=60");
        gateway.stop();
        assertThat(follower.broken()).contains(": the run goes on").doesNotContain("event: done");
        assertThat(poll.status()).isEqualTo(503);
        assertThat(poll.header("retry-after")).isEqualTo("1");
        FailuresTest.error(poll.rest(), "run_moved");
        FailuresTest.error(monitor, 503, "run_moved");
        assertThat(monitor.header("x-should-retry")).isNull();
        assertThat(gateway.log()).doesNotContain(run);
      }
      try (var gateway = Gateway.keeping(data, upstream);
          var follower = gateway.wire()) {
        follower.get("/v1/runs/" + run, "Accept: text/event-stream", "Last-Event-ID: " + id);
        assertThat(follower.status()).isEqualTo(200);
        AsyncTest.say(upstream.take(), "whole");
        assertThat(follower.event()).contains("event: restarted");
        assertThat(follower.rest()).contains("whole").contains("event: done").contains("completed");
      }
    }
  }

  /// Of what only waits for its next attempt a stop lets go at once, whoever reads it.
  @Test
  void doesNotWaitForReadersOfWhatWaitsItself(@TempDir Path data) throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.keeping(data, upstream, "--shutdown-timeout=60s");
        var follower = gateway.wire()) {
      String run = AsyncTest.accepted(gateway, Chat.plain("x"));
      follower.get("/v1/runs/" + run, "Accept: text/event-stream");
      assertThat(follower.status()).isEqualTo(200);
      assertThat(follower.event()).contains("event: status");
      upstream.take().json(503, "{}", "retry-after: 3600");
      Eventually.until(
          "it waits for its next attempt",
          () ->
              gateway
                  .get("/metrics")
                  .body()
                  .contains("meanwhile_background_calls{upstream=\"default\"} 0.0"));
      Thread stopping = Thread.ofVirtual().start(gateway::stop);
      assertThat(follower.broken()).doesNotContain("event: done");
      assertThat(stopping.join(Eventually.PATIENCE)).isTrue();
    }
  }

  @Test
  void doesNotWaitForWhatNobodyWatches() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.before(upstream, "--shutdown-timeout=60s", "--on-leave=finish")) {
      Exchange call;
      try (var wire = gateway.wire().chat(Chat.plain("x"))) {
        call = upstream.take();
        assertThat(wire).isNotNull();
      }
      gateway.stop();
      call.awaitGone();
      assertThat(gateway.log()).contains("cancelled");
    }
  }
}
