package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.server.kit.Certificate;
import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// HTTP/2 in front, in clear text and over TLS.
class Http2Test {
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private static HttpClient client() {
    return HttpClient.newBuilder().version(Version.HTTP_2).build();
  }

  private static HttpRequest post(URI uri, String body) {
    return HttpRequest.newBuilder(uri)
        .timeout(Eventually.PATIENCE)
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  /// Upgrades to HTTP/2, so that what follows uses it.
  private static void warm(HttpClient client, Gateway gateway) throws Exception {
    var health =
        client.send(
            HttpRequest.newBuilder(gateway.uri("/health/live")).build(), BodyHandlers.ofString());
    assertThat(health.version()).isEqualTo(Version.HTTP_2);
    assertThat(health.statusCode()).isEqualTo(200);
  }

  @Test
  void answersPlainAndStreamedCalls() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var client = client()) {
      warm(client, gateway);
      URI chat = gateway.uri("/v1/chat/completions");
      var plain = client.sendAsync(post(chat, Chat.plain("x")), BodyHandlers.ofString());
      upstream.take().json(200, Chat.answer("a"), "Connection: keep-alive", "Keep-Alive: x");
      assertThat(plain.get().version()).isEqualTo(Version.HTTP_2);
      assertThat(plain.get().body()).isEqualTo(Chat.answer("a"));

      var streamed = client.sendAsync(post(chat, Chat.streamed("x")), BodyHandlers.ofInputStream());
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("a"));
      HttpResponse<java.io.InputStream> answer = streamed.get();
      assertThat(answer.version()).isEqualTo(Version.HTTP_2);
      assertThat(answer.headers().firstValue("content-type").orElse(""))
          .startsWith("text/event-stream");
      assertThat(answer.headers().firstValue("transfer-encoding")).isEmpty();
      try (var lines =
          new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
        assertThat(lines.readLine()).isEqualTo("data: " + Chat.chunk("a"));
        call.event(Chat.stop());
        call.done();
        assertThat(lines.lines()).contains("data: [DONE]");
      }
    }
  }

  @Test
  void resetsAStreamThatFails() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var client = client()) {
      warm(client, gateway);
      var streamed =
          client.sendAsync(
              post(gateway.uri("/v1/chat/completions"), Chat.streamed("x")),
              BodyHandlers.ofInputStream());
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("a"));
      try (var body = streamed.get().body()) {
        call.cut();
        assertThatThrownBy(body::readAllBytes).isInstanceOf(IOException.class);
      }
      // The connection is as good as before.
      warm(client, gateway);
    }
  }

  @Test
  void stopsTheCallOfAStreamThatTheCallerResets() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var client = client()) {
      warm(client, gateway);
      URI chat = gateway.uri("/v1/chat/completions");
      CompletableFuture<?> waiting =
          client.sendAsync(post(chat, Chat.plain("x")), BodyHandlers.ofString());
      Exchange call = upstream.take();
      assertThat(waiting.cancel(true)).isTrue();
      call.awaitGone();
      warm(client, gateway);
    }
  }

  @Test
  void refusesWithoutHeadersOfAConnection() throws Exception {
    try (var gateway =
            Gateway.before(upstream, "--max-body=10KB", "--max-connections=1", "--loops=1");
        var client = client()) {
      warm(client, gateway);
      var large =
          client.send(
              post(gateway.uri("/v1/chat/completions"), "x".repeat(20_000)),
              BodyHandlers.ofString());
      assertThat(large.statusCode()).isEqualTo(413);
      assertThat(large.headers().firstValue("connection")).isEmpty();
      var relayed =
          client.sendAsync(
              HttpRequest.newBuilder(gateway.uri("/v1/models")).build(), BodyHandlers.ofString());
      upstream.take().json(200, "{}", "Connection: X-Hop", "X-Hop: 1");
      assertThat(relayed.get().statusCode()).isEqualTo(200);
      assertThat(relayed.get().headers().firstValue("x-hop")).isEmpty();
      assertThat(relayed.get().headers().firstValue("transfer-encoding")).isEmpty();
    }
  }

  @Test
  void countsAConnectionThatIsUpgradedOnce() throws Exception {
    try (var gateway = Gateway.before(upstream, "--max-connections=2")) {
      for (int i = 0; i < 10; i++) {
        Eventually.until(
            "there is room",
            () -> {
              try (var client = client()) {
                return client
                        .send(
                            HttpRequest.newBuilder(gateway.uri("/health/live")).build(),
                            BodyHandlers.ofString())
                        .statusCode()
                    == 200;
              }
            });
      }
    }
  }

  @Test
  void carriesManyStreamsOverOneConnection() throws Exception {
    try (var gateway = Gateway.before(upstream, "--max-connections=1");
        var client = client()) {
      warm(client, gateway);
      var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
      for (int i = 0; i < 50; i++) {
        answers.add(
            client.sendAsync(
                post(gateway.uri("/v1/chat/completions"), Chat.streamed("x" + i)),
                BodyHandlers.ofString()));
      }
      for (int i = 0; i < 50; i++) {
        Exchange call = upstream.take();
        call.stream();
        call.event(Chat.chunk("a"));
        call.event(Chat.stop());
        call.done();
      }
      for (var answer : answers) {
        assertThat(answer.get().statusCode()).isEqualTo(200);
        assertThat(answer.get().body()).endsWith("data: [DONE]\n\n");
      }
    }
  }

  @Test
  void speaksBothVersionsOverTls(@TempDir Path directory) throws Exception {
    Certificate certificate = Certificate.make(directory);
    try (var gateway =
        Gateway.before(
            upstream, "--tls-cert=" + certificate.cert(), "--tls-key=" + certificate.key())) {
      for (Version version : Version.values()) {
        if (version.compareTo(Version.HTTP_2) > 0) {
          continue;
        }
        try (var client =
            HttpClient.newBuilder().version(version).sslContext(certificate.context()).build()) {
          URI chat = URI.create("https://localhost:" + gateway.port() + "/v1/chat/completions");
          var answer = client.sendAsync(post(chat, Chat.streamed("x")), BodyHandlers.ofString());
          Exchange call = upstream.take();
          call.stream();
          call.event(Chat.chunk("a"));
          call.event(Chat.stop());
          call.done();
          assertThat(answer.get().version()).isEqualTo(version);
          assertThat(answer.get().statusCode()).isEqualTo(200);
          assertThat(answer.get().headers().firstValue("link").orElse(""))
              .startsWith("<https://localhost:" + gateway.port() + "/v1/runs/");
          assertThat(answer.get().body()).endsWith("data: [DONE]\n\n");
        }
      }
    }
  }

  @Test
  void saysWhatIsWrongWithItsCertificate(@TempDir Path directory) throws Exception {
    Path nonsense = Files.writeString(directory.resolve("x.pem"), "nonsense");
    assertThatThrownBy(() ->
            Gateway.before(upstream, "--tls-cert=" + nonsense, "--tls-key=" + nonsense).close())
        .hasMessageContaining("--tls-cert");
  }
}
