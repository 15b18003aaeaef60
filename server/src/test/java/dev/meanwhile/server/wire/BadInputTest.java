package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Requests that are wrong: each is told what is wrong with it, and harms nobody.
@SuppressWarnings("StringConcatToTextBlock") // the line ends of HTTP are CR LF
class BadInputTest {
  private final RawUpstream upstream = RawUpstream.start();
  private final Gateway gateway =
      Gateway.before(
          upstream, "--max-body=100KB", "--max-header=4KB", "--body-timeout=500ms", "--loops=1");

  @AfterEach
  void close() throws Exception {
    assertThat(gateway.get("/health/live").statusCode()).as("still well").isEqualTo(200);
    gateway.close();
    upstream.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "{\"model\":\"m\"",
        "{\"model\":\"m\",}",
        "{\"model\":\"m\"} x",
        "[]",
        "null",
        "7",
        "\"x\"",
        "{'model':'m'}",
        "{\"model\":\"\\uD800\",\"x\":\"\\u12\"}",
        "{\"model\":7}",
        "{\"model\":{}}",
        "{\"model\":\"m\",\"stream\":\"yes\"}",
        "{\"model\":\"m\",\"stream\":1}",
        "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":\"x\"}}",
      })
  void refusesABodyThatIsNoCall(String body) throws Exception {
    try (var wire = gateway.wire().chat(body)) {
      assertThat(wire.status()).isEqualTo(400);
      assertThat(wire.rest()).contains("\"error\"").contains("invalid");
      // The connection is as good as before.
      wire.get("/health/live");
      assertThat(wire.status()).isEqualTo(200);
    }
    assertThat(upstream.calls()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"model\":null}", "{\"messages\":[]}", "{}"})
  void leavesItToTheUpstreamWhetherAModelIsNeeded(String body) throws Exception {
    try (var wire = gateway.wire().chat(body)) {
      var call = upstream.take();
      assertThat(call.body()).isEqualTo(body);
      call.json(400, "{\"error\":{\"message\":\"no model\"}}");
      assertThat(wire.status()).isEqualTo(400);
      assertThat(wire.rest()).contains("no model");
    }
  }

  @Test
  void refusesABodyNestedTooDeep() throws Exception {
    try (var wire = gateway.wire().chat("{\"model\":\"m\",\"x\":" + "[".repeat(50_000))) {
      assertThat(wire.status()).isEqualTo(400);
    }
  }

  @Test
  void namesTheMemberThatIsWrong() throws Exception {
    try (var wire = gateway.wire().chat("{\"model\":\"m\",\"stream\":\"yes\"}")) {
      assertThat(FailuresTest.error(wire, 400, "invalid_type").path("param").asString())
          .isEqualTo("stream");
    }
  }

  @Test
  void refusesABodyThatAnnouncesTooMuch() throws Exception {
    try (var wire =
        gateway
            .wire()
            .send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Length: 200000\r\n\r\n")) {
      FailuresTest.error(wire, 413, "body_too_large");
      assertThat(wire.isClosed()).isTrue();
    }
  }

  @Test
  void refusesAChunkedBodyThatGrowsTooLarge() throws Exception {
    try (var wire =
        gateway
            .wire()
            .send(
                "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n")) {
      String chunk = "2000\r\n" + "x".repeat(0x2000) + "\r\n";
      for (int i = 0; i < 13; i++) {
        wire.send(chunk);
      }
      FailuresTest.error(wire, 413, "body_too_large");
    }
  }

  @Test
  void takesABodyOfJustTheLimit() throws Exception {
    int room = 100 * 1024 - Chat.plain("").length();
    try (var wire = gateway.wire().chat(Chat.plain("y".repeat(room)))) {
      upstream.take().json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
      wire.rest();
      wire.chat(Chat.plain("y".repeat(room + 1)));
      FailuresTest.error(wire, 413, "body_too_large");
    }
  }

  @Test
  void refusesABodyThatDoesNotCome() throws Exception {
    for (String framing : new String[] {"Content-Length: 10", "Transfer-Encoding: chunked"}) {
      try (var wire =
          gateway
              .wire()
              .send(
                  "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                      + framing
                      + "\r\n\r\n")) {
        FailuresTest.error(wire, 408, "body_too_slow");
        assertThat(wire.isClosed()).isTrue();
      }
    }
  }

  @Test
  void forgetsACallerThatLeavesInItsBody() throws Exception {
    try (var wire =
        gateway
            .wire()
            .send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Length: 10\r\n\r\n{")) {
      assertThat(wire).isNotNull();
    }
    assertThat(upstream.calls()).isZero();
  }

  @Test
  void asksForTheBodyWhereTheCallerWaitsToBeAsked() throws Exception {
    String body = Chat.plain("x");
    try (var wire =
        gateway
            .wire()
            .send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                    + "Content-Length: "
                    + body.length()
                    + "\r\n\r\n")) {
      assertThat(wire.status()).isEqualTo(100);
      wire.send(body);
      upstream.take().json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void refusesHeadersThatAreTooLarge() throws Exception {
    try (var wire = gateway.wire().get("/v1/models", "X-Long: " + "y".repeat(5_000))) {
      FailuresTest.error(wire, 431, "header_too_large");
      assertThat(wire.isClosed()).isTrue();
    }
    try (var wire = gateway.wire()) {
      var many = new String[300];
      java.util.Arrays.fill(many, "X-Many: yyyyyyyyyyyyyyyyyyyy");
      wire.get("/v1/models", many);
      FailuresTest.error(wire, 431, "header_too_large");
    }
  }

  @Test
  void refusesALineThatIsTooLong() throws Exception {
    try (var wire = gateway.wire().get("/v1/" + "y".repeat(9_000))) {
      FailuresTest.error(wire, 414, "uri_too_long");
      assertThat(wire.isClosed()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\u0016\u0003\u0001\u0002\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / FTP/1.0\r\n\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            + "Content-Length: 6\r\n\r\nhello",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/models HTTP/1.1\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nHost : localhost\r\n\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            + "\r\nzz\r\n",
      })
  void refusesWhatIsNoProperHttp(String request) throws Exception {
    try (var wire = gateway.wire().send(request)) {
      try {
        assertThat(wire.status()).isBetween(400, 501);
        wire.rest();
      } catch (IOException _) {
        // A connection that is closed without a word is an answer as well.
      }
      assertThat(wire.isClosed()).isTrue();
    }
    assertThat(upstream.calls()).isZero();
  }

  @Test
  void answersPathsItDoesNotKnow() throws Exception {
    for (String path : new String[] {"/", "/v1", "/v2/models", "/admin", "/v1x/y", "//v1/models"}) {
      var answer = gateway.get(path.equals("//v1/models") ? "/x//v1" : path);
      assertThat(answer.statusCode()).as(path).isEqualTo(404);
      assertThat(answer.headers().firstValue("content-type")).contains("application/problem+json");
      assertThat(answer.body()).contains("not_found").contains("/v1");
    }
    assertThat(upstream.calls()).isZero();
  }

  @Test
  void letsNoPathLeadOutOfTheUpstreamsBase() throws Exception {
    for (String path :
        new String[] {
          "/v1/../admin", "/v1/%2e%2e/admin", "/v1/a/../../admin", "/v1/..", "/v1/.%2E/x"
        }) {
      try (var wire = gateway.wire().get(path)) {
        assertThat(wire.status()).as(path).isIn(400, 404);
      }
    }
    assertThat(upstream.calls()).isZero();
  }

  @Test
  void understandsARequestInAbsoluteForm() throws Exception {
    try (var wire =
        gateway
            .wire()
            .send("GET http://localhost/v1/models?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
      var call = upstream.take();
      assertThat(call.line()).isEqualTo("GET /v1/models?a=b HTTP/1.1");
      call.json(200, "{}");
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void answersRequestsThatCameTogetherInTheirOrder() throws Exception {
    try (Wire wire = gateway.wire()) {
      String get = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
      String other = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n";
      wire.send(get + other + get);
      for (int status : new int[] {200, 404, 200}) {
        assertThat(wire.status()).isEqualTo(status);
        wire.rest();
      }
    }
  }
}
