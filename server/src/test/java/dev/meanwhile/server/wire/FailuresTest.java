package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What the caller is told when the upstream fails: the truth, and in mid-stream a stream that
/// looks broken.
class FailuresTest {
  private static final String DONE = "data: [DONE]\n\n";
  private static final String STOP = "data: " + Chat.stop() + "\n\n";
  private static final String A = "data: " + Chat.chunk("a") + "\n\n";
  private static final String ERROR =
      "{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"param\":null,"
          + "\"code\":\"overloaded\"}}";

  private final RawUpstream upstream = RawUpstream.start();
  private final Gateway gateway = Gateway.before(upstream, "--max-event=1MB", "--max-run=2MB");

  @AfterEach
  void close() {
    gateway.close();
    upstream.close();
  }

  private Wire streamed() throws Exception {
    return gateway.wire().chat(Chat.streamed("x"));
  }

  /// Asserts an answer that is an error object and nothing else.
  static JsonNode error(Wire wire, int status, String code) throws Exception {
    assertThat(wire.status()).isEqualTo(status);
    assertThat(wire.header("content-type")).isEqualTo("application/json");
    return error(wire.rest(), code);
  }

  static JsonNode error(String json, String code) {
    JsonNode error = new JsonMapper().readTree(json).path("error");
    assertThat(error.propertyNames()).containsExactlyInAnyOrder("message", "type", "param", "code");
    assertThat(error.path("code").asString("")).as(json).isEqualTo(code);
    assertThat(error.path("message").asString("")).isNotBlank();
    return error;
  }

  /// Asserts that the stream breaks, and that the last it says is this error.
  static JsonNode broken(Wire wire, String code) {
    String rest = wire.broken();
    int last = rest.lastIndexOf("data: ");
    return error(rest.substring(last + 6).strip(), code);
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 401, 404, 409, 422, 429, 500, 503, 529})
  void keepsTheStatusTheBodyAndTheAdviceOfAnError(int status) throws Exception {
    for (String body : new String[] {Chat.plain("x"), Chat.streamed("x")}) {
      try (var wire = gateway.wire().chat(body)) {
        upstream
            .take()
            .json(status, ERROR, "retry-after: 7", "retry-after-ms: 6500", "x-should-retry: false");
        assertThat(wire.status()).isEqualTo(status);
        assertThat(wire.header("content-type")).isEqualTo("application/json");
        assertThat(wire.header("retry-after")).isEqualTo("7");
        assertThat(wire.header("retry-after-ms")).isEqualTo("6500");
        assertThat(wire.header("x-should-retry")).isEqualTo("false");
        assertThat(wire.header("meanwhile-run")).startsWith("run_");
        assertThat(wire.rest()).isEqualTo(ERROR);
      }
    }
  }

  @Test
  void keepsAnErrorThatIsNoJson() throws Exception {
    for (String body : new String[] {Chat.plain("x"), Chat.streamed("x")}) {
      try (var wire = gateway.wire().chat(body)) {
        upstream
            .take()
            .write(
                "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 9\r\n\r\n"
                    + "<h1>a</h1".substring(0, 9));
        assertThat(wire.status()).isEqualTo(502);
        assertThat(wire.header("content-type")).isEqualTo("text/html");
        assertThat(wire.rest()).isEqualTo("<h1>a</h1");
      }
    }
  }

  @Test
  void doesNotFollowARedirect() throws Exception {
    for (String body : new String[] {Chat.plain("x"), Chat.streamed("x")}) {
      try (var wire = gateway.wire().chat(body)) {
        upstream.take().json(307, "{}", "location: http://127.0.0.1:1/");
        error(wire, 502, "upstream_redirect");
        assertThat(wire.header("x-should-retry")).isEqualTo("false");
      }
    }
  }

  @Test
  void saysThatNobodyListens() throws Exception {
    int free;
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = taken.getLocalPort();
    }
    try (var alone = Gateway.before("http://127.0.0.1:" + free + "/v1")) {
      for (String body : new String[] {Chat.plain("x"), Chat.streamed("x")}) {
        try (var wire = alone.wire().chat(body)) {
          assertThat(error(wire, 502, "upstream_unreachable").path("message").asString())
              .contains("refused");
        }
      }
    }
  }

  @Test
  void saysThatANameIsUnknown() throws Exception {
    try (var alone = Gateway.before("http://nowhere.invalid/v1");
        var wire = alone.wire().chat(Chat.plain("x"))) {
      error(wire, 502, "upstream_unreachable");
    }
  }

  @Test
  void saysThatTheConnectionBrokeBeforeAnAnswer() throws Exception {
    for (String body : new String[] {Chat.plain("x"), Chat.streamed("x")}) {
      try (var wire = gateway.wire().chat(body)) {
        upstream.take().cut();
        error(wire, 502, "upstream_unreachable");
      }
    }
  }

  @Test
  void saysThatAPlainAnswerWasCutOff() throws Exception {
    try (var wire = gateway.wire().chat(Chat.plain("x"))) {
      Exchange call = upstream.take();
      call.write(
          "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"a\":");
      call.cut();
      error(wire, 502, "upstream_cut");
    }
  }

  @Test
  void refusesAnAnswerThatIsNotJson() throws Exception {
    try (var wire = gateway.wire().chat(Chat.plain("x"))) {
      upstream.take().json(200, "<html>captive portal</html>");
      assertThat(wire.status()).isEqualTo(502);
    }
  }

  @Test
  void breaksAStreamThatIsCutOff() throws Exception {
    try (var wire = streamed()) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(A);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).isEqualTo(A);
      call.cut();
      broken(wire, "upstream_cut");
    }
  }

  @Test
  void breaksAStreamThatEndsCleanlyWithoutAnEnd() throws Exception {
    try (var wire = streamed()) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(A);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).isEqualTo(A);
      call.end();
      broken(wire, "upstream_cut");
    }
  }

  @Test
  void answersAnEmptyStreamWithAnErrorStatus() throws Exception {
    try (var wire = streamed()) {
      Exchange call = upstream.take();
      call.stream();
      call.end();
      error(wire, 502, "upstream_cut");
    }
  }

  @Test
  void answersAStreamThatBeginsWithAnErrorWithAnErrorStatus() throws Exception {
    try (var wire = streamed()) {
      Exchange call = upstream.take();
      call.stream();
      call.event(ERROR);
      call.end();
      assertThat(wire.status()).isGreaterThanOrEqualTo(500);
      assertThat(wire.header("content-type")).isEqualTo("application/json");
      assertThat(wire.rest()).contains("overloaded");
    }
  }

  @Test
  void passesAnErrorEventInMidStreamOnAndBreaksTheConnection() throws Exception {
    try (var wire = streamed()) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(A);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).isEqualTo(A);
      call.event(ERROR);
      call.chunk(DONE);
      call.end();
      assertThat(wire.broken()).startsWith("data: " + ERROR + "\n\n").doesNotContain("[DONE]");
    }
  }

  @Test
  void breaksAStreamWithGarbageInItsMiddle() throws Exception {
    try (var wire = streamed()) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(A);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).isEqualTo(A);
      call.event("{\"choices\":[{\"delta\":\u0001");
      call.chunk(STOP + DONE);
      broken(wire, "upstream_invalid_event");
    }
  }

  @Test
  void refusesALineOfTenMegabytes() throws Exception {
    String line = "data: " + Chat.chunk("y".repeat(10_000_000)) + "\n\n";
    try (var first = streamed()) {
      Exchange call = upstream.take();
      call.stream();
      writeUntilClosed(call, line);
      assertThat(error(first, 502, "upstream_event_too_large").path("message").asString())
          .contains("limit");
      assertThat(first.header("x-should-retry")).isEqualTo("false");
    }
    try (var later = streamed()) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(A);
      assertThat(later.status()).isEqualTo(200);
      assertThat(later.event()).isEqualTo(A);
      writeUntilClosed(call, line);
      broken(later, "upstream_event_too_large");
    }
  }

  private static void writeUntilClosed(Exchange call, String text) {
    try {
      call.chunk(text);
    } catch (java.io.IOException _) {
      // The gateway has heard enough.
    }
  }

  @Test
  void refusesAnAnswerThatIsTooLarge() throws Exception {
    try (var wire = gateway.wire().chat(Chat.plain("x"))) {
      Exchange call = upstream.take();
      try {
        call.json(200, Chat.answer("y".repeat(5_000_000)));
      } catch (java.io.IOException _) {
        // The gateway has heard enough.
      }
      error(wire, 502, "run_too_large");
      call.awaitGone();
    }
    try (var wire = streamed()) {
      Exchange call = upstream.take();
      call.stream();
      String part = "data: " + Chat.chunk("y".repeat(300_000)) + "\n\n";
      try {
        for (int i = 0; i < 10; i++) {
          call.chunk(part);
        }
      } catch (java.io.IOException _) {
        // The gateway has heard enough.
      }
      assertThat(wire.status()).isEqualTo(200);
      broken(wire, "run_too_large");
      call.awaitGone();
    }
  }

  @Test
  void turnsAJsonAnswerToAStreamedCallIntoAStream() throws Exception {
    try (var wire = streamed()) {
      upstream.take().json(200, Chat.answer("hello"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("content-type")).startsWith("text/event-stream");
      assertThat(wire.rest())
          .contains("\"content\":\"hello\"")
          .contains("\"finish_reason\":\"stop\"")
          .doesNotContain("usage")
          .endsWith(DONE);
    }
  }

  @Test
  void foldsAStreamThatAnswersAPlainCall() throws Exception {
    try (var wire = gateway.wire().chat(Chat.plain("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(A);
      call.chunk(A);
      call.chunk(STOP);
      call.event(Chat.usage());
      call.done();
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("content-type")).isEqualTo("application/json");
      JsonNode answer = new JsonMapper().readTree(wire.rest());
      assertThat(answer.path("object").asString()).isEqualTo("chat.completion");
      assertThat(answer.path("choices").path(0).path("message").path("content").asString())
          .isEqualTo("aa");
      assertThat(answer.path("usage").path("total_tokens").asInt()).isEqualTo(3);
    }
  }

  @Test
  void answersAPlainCallWhoseStreamFailsWithAnError() throws Exception {
    try (var wire = gateway.wire().chat(Chat.plain("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(A);
      call.end();
      error(wire, 502, "upstream_cut");
    }
  }

  @Test
  void survivesAnAnswerThatIsNoHttp() throws Exception {
    for (String body : new String[] {Chat.plain("x"), Chat.streamed("x")}) {
      try (var wire = gateway.wire().chat(body)) {
        upstream.take().write("SSH-2.0-OpenSSH_9.9\r\n\r\n");
        assertThat(wire.status()).isEqualTo(502);
      }
    }
  }
}
