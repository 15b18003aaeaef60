package dev.meanwhile.server.wire;

import static io.vertx.core.http.HttpVersion.HTTP_1_1;
import static io.vertx.core.http.HttpVersion.HTTP_2;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Certificate;
import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.GatewayProcess;
import dev.meanwhile.server.kit.SecureUpstream;
import dev.meanwhile.server.kit.TunnelProxy;
import io.vertx.core.http.HttpVersion;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// HTTPS upstreams whose certificate the platform's trust store holds: the server is a process
/// whose JVM has such a store. That it trusts nothing else, [UpstreamConnectionTest] tells.
class SecureUpstreamTest {
  /// What an upstream offers by ALPN.
  enum Offer {
    NOTHING,
    OLD,
    BOTH;

    List<HttpVersion> versions() {
      return switch (this) {
        case NOTHING -> List.of();
        case OLD -> List.of(HTTP_1_1);
        case BOTH -> List.of(HTTP_1_1, HTTP_2);
      };
    }

    HttpVersion spoken() {
      return this == BOTH ? HTTP_2 : HTTP_1_1;
    }
  }

  @TempDir private static Path directory;
  private static Certificate certificate;

  @BeforeAll
  static void make() {
    certificate = Certificate.make(directory);
  }

  private static SecureUpstream upstream(Offer offer) {
    return SecureUpstream.start(certificate, offer.versions());
  }

  private static GatewayProcess gateway(SecureUpstream upstream, Map<String, String> environment)
      throws Exception {
    return GatewayProcess.before(
        "https://" + upstream.authority() + "/v1", environment, certificate.trustingFlags());
  }

  @ParameterizedTest
  @EnumSource
  void speaksTheVersionThatTheUpstreamOffers(Offer offer) throws Exception {
    try (var upstream = upstream(offer);
        var gateway = gateway(upstream, Map.of())) {
      relaysBothKindsOfCalls(gateway, upstream, offer.spoken());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"OLD", "BOTH"})
  void goesThroughTheTunnelOfAProxy(Offer offer) throws Exception {
    try (var upstream = upstream(offer);
        var proxy = TunnelProxy.start();
        var gateway = gateway(upstream, Map.of("HTTPS_PROXY", proxy.url()))) {
      relaysBothKindsOfCalls(gateway, upstream, offer.spoken());
      assertThat(proxy.asked())
          .isNotEmpty()
          .containsOnly("CONNECT " + upstream.authority() + " HTTP/1.1");
    }
  }

  @Test
  void goesRoundAProxyWhereItIsTold() throws Exception {
    try (var upstream = upstream(Offer.BOTH);
        var proxy = TunnelProxy.start();
        var gateway =
            gateway(
                upstream,
                Map.of("HTTPS_PROXY", proxy.url(), "NO_PROXY", "ai.example.com,localhost"))) {
      relaysBothKindsOfCalls(gateway, upstream, HTTP_2);
      assertThat(proxy.asked()).isEmpty();
    }
  }

  private static void relaysBothKindsOfCalls(
      GatewayProcess gateway, SecureUpstream upstream, HttpVersion spoken) throws Exception {
    try (var wire = gateway.wire().chat(Chat.plain("x"), "Authorization: Bearer mine")) {
      SecureUpstream.Call call = upstream.take();
      assertThat(call.version()).isEqualTo(spoken);
      assertThat(call.authority()).isEqualTo(upstream.authority());
      assertThat(call.header("authorization")).isEqualTo("Bearer mine");
      call.json(Chat.answer("whole"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).isEqualTo(Chat.answer("whole"));
    }
    try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
      SecureUpstream.Call call = upstream.take();
      assertThat(call.version()).isEqualTo(spoken);
      call.stream();
      for (String word : new String[] {"one ", "two"}) {
        call.event(Chat.chunk(word));
        if (word.startsWith("one")) {
          assertThat(wire.status()).isEqualTo(200);
        }
        // Read before the upstream says more: nothing holds it back on the way.
        assertThat(wire.event()).isEqualTo("data: " + Chat.chunk(word) + "\n\n");
      }
      call.event(Chat.stop());
      call.done();
      assertThat(wire.event()).isEqualTo("data: " + Chat.stop() + "\n\n");
      assertThat(wire.rest()).isEqualTo("data: [DONE]\n\n");
    }
  }
}
