package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Every clock of an attempt, each said by its name.
class ClocksTest {
  private static final String A = "data: " + Chat.chunk("a") + "\n\n";
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  @Test
  void tellsThatNoConnectionCameInTime() throws Exception {
    String yaml =
        "server: {connect-timeout: 200ms}\nupstreams: {only: {base-url: '%s', max-connections: 1}}"
            .formatted(upstream.url());
    try (var gateway = Gateway.configured(yaml);
        var first = gateway.wire().chat(Chat.plain("x"));
        var second = gateway.wire()) {
      upstream.take();
      for (String body : new String[] {Chat.plain("y"), Chat.streamed("y")}) {
        second.chat(body);
        assertThat(
                FailuresTest.error(second, 504, "upstream_connect_timeout")
                    .path("message")
                    .asString())
            .contains("connect clock", "connect-timeout");
      }
      assertThat(first).isNotNull();
    }
  }

  @Test
  void tellsThatNoContentCameInTime() throws Exception {
    try (var gateway = Gateway.before(upstream, "--first-content-timeout=300ms");
        var silent = gateway.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      FailuresTest.error(silent, 504, "upstream_first_content_timeout");
      call.awaitGone();
    }
  }

  @Test
  void takesNeitherCommentsNorARoleForContent() throws Exception {
    try (var gateway = Gateway.before(upstream, "--first-content-timeout=300ms");
        var wire = gateway.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(": alive\n\n");
      call.event(Chat.chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
      assertThat(wire.status()).isEqualTo(200);
      FailuresTest.broken(wire, "upstream_first_content_timeout");
      call.awaitGone();
    }
  }

  @Test
  void tellsThatAStreamFellSilent() throws Exception {
    try (var gateway = Gateway.before(upstream, "--between-timeout=300ms");
        var wire = gateway.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(A);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).isEqualTo(A);
      FailuresTest.broken(wire, "upstream_between_timeout");
      call.awaitGone();
    }
  }

  @Test
  void tellsThatACallTookTooLongInAll() throws Exception {
    try (var gateway = Gateway.before(upstream, "--total-timeout=400ms")) {
      for (String body : new String[] {Chat.plain("x"), Chat.streamed("x")}) {
        try (var wire = gateway.wire().chat(body)) {
          Exchange call = upstream.take();
          FailuresTest.error(wire, 504, "upstream_total_timeout");
          call.awaitGone();
        }
      }
      try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
        Exchange call = upstream.take();
        call.stream();
        call.chunk(A);
        assertThat(wire.status()).isEqualTo(200);
        FailuresTest.broken(wire, "upstream_total_timeout");
        call.awaitGone();
      }
    }
  }

  @Test
  void givesAPlainCallNoClockButConnectAndTotal() throws Exception {
    try (var gateway =
            Gateway.before(upstream, "--first-content-timeout=50ms", "--between-timeout=50ms");
        var plain = gateway.wire().chat(Chat.plain("x"));
        var streamed = gateway.wire().chat(Chat.streamed("y"))) {
      Exchange one = upstream.take();
      Exchange other = upstream.take();
      // By the time the stream has run out of its clocks, the plain call would have, too.
      FailuresTest.error(streamed, 504, "upstream_first_content_timeout");
      Exchange call = one.body().contains("stream") ? other : one;
      call.json(200, Chat.answer("late"));
      assertThat(plain.status()).isEqualTo(200);
    }
  }
}
