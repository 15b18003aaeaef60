package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Certificate;
import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The way to the upstream: TLS, proxies.
class UpstreamConnectionTest {
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  @Test
  void trustsNoCertificateThatThePlatformDoesNot(@TempDir Path directory) throws Exception {
    Certificate certificate = Certificate.make(directory);
    try (var secure =
            RawUpstream.start(
                certificate.context().getServerSocketFactory(),
                call -> call.json(200, Chat.answer("a")));
        var gateway = Gateway.before("https://localhost:" + secure.port() + "/v1")) {
      for (String body : new String[] {Chat.plain("x"), Chat.streamed("x")}) {
        try (var wire = gateway.wire().chat(body, "Authorization: Bearer mine")) {
          assertThat(
                  FailuresTest.error(wire, 502, "upstream_unreachable").path("message").asString())
              .contains("TLS", "certificate");
        }
      }
      assertThat(secure.calls()).as("no credential was sent").isZero();
    }
  }

  /// A proxy of HTTP is asked for the whole URL.
  @Test
  void goesThroughAProxy() throws Exception {
    try (var proxy = RawUpstream.start();
        var gateway =
            Gateway.configured(
                "server: {loops: 1}",
                Map.of("HTTP_PROXY", "http://user:word@127.0.0.1:" + proxy.port()),
                "--upstream=http://ai.invalid/v1");
        var wire = gateway.wire().chat(Chat.plain("x"))) {
      Exchange call = proxy.take();
      assertThat(call.line())
          .isIn(
              "POST http://ai.invalid/v1/chat/completions HTTP/1.1",
              "POST http://ai.invalid:80/v1/chat/completions HTTP/1.1");
      assertThat(call.header("host")).isEqualTo("ai.invalid");
      assertThat(call.header("proxy-authorization")).startsWith("Basic ");
      call.json(200, Chat.answer("through a proxy"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("through a proxy");
    }
  }

  @Test
  void asksAProxyForATunnelToAnHttpsUpstream() throws Exception {
    try (var proxy = RawUpstream.start();
        var gateway =
            Gateway.configured(
                "server: {loops: 1}",
                Map.of("https_proxy", "127.0.0.1:" + proxy.port()),
                "--upstream=https://ai.invalid:8443/v1");
        var wire = gateway.wire().chat(Chat.plain("x"), "Authorization: Bearer mine")) {
      Exchange call = proxy.take();
      assertThat(call.line()).isEqualTo("CONNECT ai.invalid:8443 HTTP/1.1");
      assertThat(call.headers().toString()).doesNotContain("mine");
      call.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
      FailuresTest.error(wire, 502, "upstream_unreachable");
    }
  }

  @Test
  void goesRoundAProxyWhereItIsTold() throws Exception {
    try (var proxy = RawUpstream.start()) {
      for (String except :
          new String[] {"127.0.0.1", "*", "x.example, 127.0.0.1", "127.0.0.1:" + upstream.port()}) {
        try (var gateway =
                Gateway.configured(
                    "server: {loops: 1}",
                    Map.of("HTTP_PROXY", "http://127.0.0.1:" + proxy.port(), "NO_PROXY", except),
                    "--upstream=" + upstream.url());
            var wire = gateway.wire().chat(Chat.plain("x"))) {
          Exchange call = upstream.take();
          assertThat(call.line()).isEqualTo("POST /v1/chat/completions HTTP/1.1");
          call.json(200, Chat.answer("a"));
          assertThat(wire.status()).as(except).isEqualTo(200);
        }
      }
      assertThat(proxy.calls()).isZero();
    }
  }
}
