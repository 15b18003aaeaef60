package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import org.junit.jupiter.api.Test;

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
