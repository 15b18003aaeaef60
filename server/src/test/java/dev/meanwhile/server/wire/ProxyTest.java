package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.Nginx;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Behind a proxy: what docs/proxies.md says, as it stands there.
class ProxyTest {
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private static String page() throws Exception {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path page = at.resolve("docs").resolve("proxies.md");
      if (Files.exists(page)) {
        return Files.readString(page);
      }
    }
    throw new IllegalStateException("docs/proxies.md is not above " + Path.of("").toAbsolutePath());
  }

  private static String nginx(Gateway gateway) throws Exception {
    String page = page();
    int from = page.indexOf("```nginx\n") + 9;
    String blocks = page.substring(from, page.indexOf("```", from));
    assertThat(blocks).contains("server 127.0.0.1:8080;");
    return blocks.replace("127.0.0.1:8080", "127.0.0.1:" + gateway.port());
  }

  @Test
  void streamsThroughNginxAsTheDocumentationHasIt(@TempDir Path directory) throws Exception {
    try (var gateway =
            Gateway.before(upstream, "--open", "--trusted-proxies=127.0.0.1/32", "--loops=1");
        var nginx = Nginx.start(directory, nginx(gateway))) {
      for (int i = 0; i < 2; i++) {
        try (var wire = new Wire(nginx.port())) {
          wire.chat(
              Chat.streamed("x"), "Host: ai.example.com", "X-Forwarded-Host: evil.example.com");
          Exchange call = upstream.take();
          call.stream();
          call.event(Chat.chunk("one"));
          // Seen before anything else is sent: nothing holds it back on the way.
          assertThat(wire.status()).isEqualTo(200);
          assertThat(wire.header("content-type")).startsWith("text/event-stream");
          assertThat(wire.header("link"))
              .isEqualTo(
                  "<http://ai.example.com/v1/runs/%s>; rel=\"monitor\""
                      .formatted(wire.header("meanwhile-run")));
          assertThat(wire.event()).contains("one");
          call.event(Chat.chunk("two"));
          assertThat(wire.event()).contains("two");
          call.event(Chat.stop());
          call.done();
          assertThat(wire.rest()).endsWith("data: [DONE]\n\n");
        }
      }
    }
  }

  @Test
  void showsThroughNginxThatAStreamBroke(@TempDir Path directory) throws Exception {
    try (var gateway = Gateway.before(upstream, "--open", "--loops=1");
        var nginx = Nginx.start(directory, nginx(gateway));
        var wire = new Wire(nginx.port())) {
      wire.chat(Chat.streamed("x"), "Host: ai.example.com");
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("one"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).contains("one");
      call.cut();
      FailuresTest.broken(wire, "upstream_cut");
    }
  }

  @Test
  void stopsACallThroughNginxWhenItsCallerLeaves(@TempDir Path directory) throws Exception {
    try (var gateway = Gateway.before(upstream, "--open", "--loops=1");
        var nginx = Nginx.start(directory, nginx(gateway))) {
      Exchange call;
      try (var wire = new Wire(nginx.port())) {
        wire.chat(Chat.plain("x"), "Host: ai.example.com");
        call = upstream.take();
      }
      call.awaitGone();
    }
  }

  private String link(Gateway gateway, String... headers) throws Exception {
    try (var wire = gateway.wire().chat(Chat.plain("x"), headers)) {
      upstream.take().json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
      return String.valueOf(wire.header("link")).replaceAll("run_[^>]*", "ID");
    }
  }

  @Test
  void believesForwardedHeadersOnlyFromATrustedProxy() throws Exception {
    String[] forwarded = {
      "Host: inside:8080", "X-Forwarded-Host: ai.example.com, x", "X-Forwarded-Proto: https"
    };
    try (var gateway = Gateway.before(upstream, "--open")) {
      assertThat(link(gateway, forwarded))
          .isEqualTo("<http://inside:8080/v1/runs/ID>; rel=\"monitor\"");
    }
    try (var gateway = Gateway.before(upstream, "--open", "--trusted-proxies=10.0.0.0/8")) {
      assertThat(link(gateway, forwarded)).startsWith("<http://inside:8080/");
    }
    try (var gateway = Gateway.before(upstream, "--open", "--trusted-proxies=127.0.0.0/8")) {
      assertThat(link(gateway, forwarded)).startsWith("<https://ai.example.com/v1/runs/ID>");
      assertThat(
              link(
                  gateway,
                  "Host: inside",
                  "X-Forwarded-Host: evil>; rel=x",
                  "X-Forwarded-Proto: javascript"))
          .startsWith("<http://inside/v1/runs/ID>");
    }
    try (var gateway =
        Gateway.before(
            upstream,
            "--open",
            "--trusted-proxies=127.0.0.0/8",
            "--public-url=https://public.example.com/ai/")) {
      assertThat(link(gateway, forwarded)).startsWith("<https://public.example.com/ai/v1/runs/ID>");
    }
  }
}
