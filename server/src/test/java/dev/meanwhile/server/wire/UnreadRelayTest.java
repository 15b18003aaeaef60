package dev.meanwhile.server.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Simulation;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Every other `/v1` path: passed through unread in both directions.
class UnreadRelayTest {
  private final RawUpstream upstream = RawUpstream.start();
  private final Gateway gateway = Gateway.before(upstream, "--between-timeout=20s");

  @AfterEach
  void close() {
    gateway.close();
    upstream.close();
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(7).nextBytes(bytes);
    return bytes;
  }

  @Test
  void listsTheModels() throws Exception {
    try (var simulation = new Simulation();
        var simulated = Gateway.before(simulation.url())) {
      var answer = simulated.get("/v1/models");
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body()).contains("sim-standard");
      assertThat(simulated.get("/v1/models/sim-fast").body()).contains("sim-fast");
      assertThat(answer.headers().firstValue("meanwhile-run")).isEmpty();
    }
  }

  @Test
  void passesEveryMethodItsQueryAndItsHeadersOn() throws Exception {
    try (var wire = gateway.wire()) {
      for (String method : new String[] {"GET", "DELETE", "PATCH", "PUT", "POST"}) {
        wire.send(
            method
                + " /v1/files/a%20b/x?y=%2F&z HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n"
                + "Authorization: Bearer mine\r\nAccept-Encoding: gzip\r\n"
                + (method.equals("GET") ? "\r\n" : "Content-Length: 2\r\n\r\nhi"));
        Exchange call = upstream.take();
        assertThat(call.line()).isEqualTo(method + " /v1/files/a%20b/x?y=%2F&z HTTP/1.1");
        assertThat(call.header("x-a")).isEqualTo("1");
        assertThat(call.header("authorization")).isEqualTo("Bearer mine");
        assertThat(call.header("accept-encoding")).isEqualTo("gzip");
        assertThat(call.body()).isEqualTo(method.equals("GET") ? "" : "hi");
        call.json(201, "{\"a\":1}", "x-b: 2", "content-encoding: identity");
        assertThat(wire.status()).isEqualTo(201);
        assertThat(wire.header("x-b")).isEqualTo("2");
        assertThat(wire.header("content-encoding")).isEqualTo("identity");
        assertThat(wire.rest()).isEqualTo("{\"a\":1}");
      }
    }
  }

  @Test
  void passesAnswersWithoutABodyOn() throws Exception {
    try (var wire = gateway.wire()) {
      for (int status : new int[] {204, 304}) {
        wire.get("/v1/files");
        upstream.take().write("HTTP/1.1 " + status + " x\r\nx-b: 2\r\n\r\n");
        assertThat(wire.status()).isEqualTo(status);
        assertThat(wire.header("transfer-encoding")).isNull();
      }
      wire.get("/v1/files");
      upstream.take().write("HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).isEmpty();
      wire.send("HEAD /v1/files HTTP/1.1\r\nHost: localhost\r\n\r\n");
      Exchange head = upstream.take();
      assertThat(head.line()).startsWith("HEAD ");
      head.write("HTTP/1.1 200 x\r\ncontent-length: 77\r\n\r\n");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("content-length")).isEqualTo("77");
    }
  }

  @Test
  void uploadsAFormOfSeveralMegabytes() throws Exception {
    byte[] file = random(5_000_000);
    for (boolean chunked : new boolean[] {false, true}) {
      try (var wire = gateway.wire()) {
        wire.send(
            "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: multipart/form-data; boundary=b\r\n"
                + (chunked
                    ? "Transfer-Encoding: chunked\r\n\r\n"
                    : "Content-Length: " + file.length + "\r\n\r\n"));
        if (chunked) {
          for (int at = 0; at < file.length; at += 1_000_000) {
            wire.send("f4240\r\n").send(Arrays.copyOfRange(file, at, at + 1_000_000)).send("\r\n");
          }
          wire.send("0\r\n\r\n");
        } else {
          wire.send(file);
        }
        Exchange call = upstream.take();
        assertThat(call.header("content-type")).isEqualTo("multipart/form-data; boundary=b");
        assertThat(Arrays.equals(call.bytes(), file)).isTrue();
        call.json(200, "{\"text\":\"hello\"}");
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).contains("hello");
      }
    }
  }

  @Test
  void downloadsBytesAsTheyAreAtThePaceOfTheReader() throws Exception {
    byte[] file = random(20_000_000);
    try (var wire = gateway.wire().get("/v1/files/f/content")) {
      Exchange call = upstream.take();
      Thread.ofVirtual().start(() -> send(call, file));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("content-type")).isEqualTo("audio/mpeg");
      // Meanwhile others are served.
      assertThat(gateway.get("/health/live").statusCode()).isEqualTo(200);
      assertThat(Arrays.equals(wire.bytes(), file)).isTrue();
    }
  }

  private static void send(Exchange call, byte[] file) {
    try {
      call.write(
          "HTTP/1.1 200 x\r\ncontent-type: audio/mpeg\r\ncontent-length: "
              + file.length
              + "\r\n\r\n");
      call.write(file);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void passesAStreamOnAsItComes() throws Exception {
    try (var wire = gateway.wire().post("/v1/audio/speech", "{\"stream\":true}")) {
      Exchange call = upstream.take();
      call.stream();
      for (int i = 0; i < 5; i++) {
        String event = "event: e\ndata: " + i + "\n\n";
        call.chunk(event);
        if (i == 0) {
          assertThat(wire.status()).isEqualTo(200);
          assertThat(wire.header("content-type")).isEqualTo("text/event-stream");
        }
        assertThat(wire.event()).isEqualTo(event);
      }
      call.end();
      assertThat(wire.event()).isEmpty();
    }
  }

  @Test
  void stopsWhenItsCallerLeaves() throws Exception {
    for (boolean begun : new boolean[] {false, true}) {
      Exchange call;
      try (var wire = gateway.wire().get("/v1/files")) {
        call = upstream.take();
        if (begun) {
          call.write("HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\na");
          assertThat(wire.status()).isEqualTo(200);
        }
      }
      call.awaitGone();
    }
  }

  @Test
  void keepsErrorsAndBreaksWhatBreaks() throws Exception {
    try (var wire = gateway.wire()) {
      wire.get("/v1/files");
      upstream.take().json(429, "{\"error\":{}}", "retry-after: 3");
      assertThat(wire.status()).isEqualTo(429);
      assertThat(wire.header("retry-after")).isEqualTo("3");
      wire.rest();
      wire.get("/v1/files");
      upstream.take().cut();
      FailuresTest.error(wire, 502, "upstream_unreachable");
      wire.get("/v1/files");
      Exchange call = upstream.take();
      call.stream();
      call.chunk("abc");
      assertThat(wire.status()).isEqualTo(200);
      call.cut();
      assertThat(wire.broken()).isEqualTo("abc");
    }
  }

  @Test
  void hasTheSameClocks() throws Exception {
    try (var quick =
            Gateway.before(upstream, "--first-content-timeout=200ms", "--between-timeout=300ms");
        var wire = quick.wire()) {
      wire.get("/v1/files");
      Exchange silent = upstream.take();
      FailuresTest.error(wire, 504, "upstream_first_content_timeout");
      silent.awaitGone();
      wire.get("/v1/files");
      Exchange call = upstream.take();
      call.stream();
      call.chunk("abc");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.broken()).isEqualTo("abc");
      call.awaitGone();
    }
    try (var quick = Gateway.before(upstream, "--total-timeout=300ms");
        var wire = quick.wire().get("/v1/files")) {
      Exchange silent = upstream.take();
      FailuresTest.error(wire, 504, "upstream_total_timeout");
      silent.awaitGone();
    }
  }

  @Test
  void passesBytesThatAreNoTextOn() throws Exception {
    byte[] body = random(1_000);
    try (var wire =
        gateway
            .wire()
            .send(
                "POST /v1/moderations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
            .send(body)) {
      Exchange call = upstream.take();
      assertThat(call.bytes()).isEqualTo(body);
      call.write("HTTP/1.1 200 x\r\ncontent-length: 1000\r\n\r\n".getBytes(UTF_8));
      call.write(body);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.bytes()).isEqualTo(body);
    }
  }
}
