package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FaultsTest {
  private static final String PACE = "x-sim-first-token-ms: 0\r\nx-sim-token-ms: 0\r\n";

  private final Client client = new Client(SimulatorConfig.defaults());

  @AfterEach
  void stop() {
    client.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aStatusComesInsteadOfTheAnswer(boolean stream) throws Exception {
    var answer =
        client.chat(Client.chat("sim-fast:status=429,retry-after=2", ",\"stream\":" + stream));
    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(answer.headers().firstValue("retry-after")).hasValue("2");
    assertThat(Client.json(answer).at("/error/code").asString()).isEqualTo("rate_limit_exceeded");
  }

  @Test
  void aCutBreaksTheConnectionAfterItsTokens() throws Exception {
    try (Socket socket = client.open(Client.streamed("sim-fast:cut-after=3"), PACE)) {
      String all = readToTheEnd(socket);
      assertThat(all.split("\"content\":\"[^\"]", -1)).hasSize(4);
      assertThat(all).doesNotContain("[DONE]").doesNotEndWith("0\r\n\r\n");
    }
    assertThat(client.simulator.stats().tokens()).isEqualTo(3);
    assertThat(client.simulator.stats().cancelled()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void aCutIsAnErrorToClients(HttpClient.Version version) {
    try (var other = new Client(SimulatorConfig.defaults(), version)) {
      assertThatThrownBy(() -> other.chat(Client.streamed("sim-fast:cut-after=3")))
          .isInstanceOf(IOException.class);
      assertThatThrownBy(() -> other.chat(Client.chat("sim-fast:cut-after=3", "")))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aCleanEndLooksComplete() throws Exception {
    String text = stream("end-after=2");
    assertThat(text.split("data: ", -1)).hasSize(4);
    assertThat(text).doesNotContain("[DONE]").doesNotContain("\"stop\"");
    var plain = client.chat(Client.chat("sim-fast:end-after=2", ""));
    assertThatThrownBy(() -> Client.json(plain))
        .isInstanceOf(tools.jackson.core.JacksonException.class);
  }

  @Test
  void anErrorComesInTheStream() throws Exception {
    assertThat(stream("error-after=2")).contains("\n\ndata: {\"error\":{\"message\":");
    assertThat(client.chat(Client.chat("sim-fast:error-after=2", "")).statusCode()).isEqualTo(500);
  }

  @Test
  void garbageIsNeitherEventsNorText() throws Exception {
    assertThat(client.chat(Client.streamed("sim-fast:garbage")).body()).isEqualTo(Answer.GARBAGE);
    assertThat(client.chat(Client.chat("sim-fast:garbage", "")).body()).isEqualTo(Answer.GARBAGE);
    assertThat(stream("garbage-after=1")).contains("<html>").doesNotContain("[DONE]");
    assertThat(stream("trailing")).contains("data: [DONE]\n\n<html>");
  }

  @Test
  void framingMayBeOdd() throws Exception {
    String usual = Client.content(stream("bom"));
    assertThat(stream("bom")).startsWith("\ufeffdata: {");
    assertThat(stream("no-done")).endsWith("\"stop\"}]}\n\n");
    assertThat(stream("crlf").replace("\r\n", "")).doesNotContain("\n").doesNotContain("\r");
    assertThat(stream("comments")).startsWith(": simulated\ndata: {").contains("\n\n: simulated\n");
    assertThat(stream("multi-line")).startsWith("data: {\ndata: \"id\"");
    for (String fault : new String[] {"no-done", "crlf", "comments", "split", "multi-line"}) {
      assertThat(Client.content(stream(fault))).as(fault).isEqualTo(usual);
    }
  }

  @Test
  void splitWritesEachByteByItself() throws Exception {
    try (Socket socket =
        client.open(Client.streamed("sim-fast:split"), PACE + "connection: close\r\n")) {
      String body = readToTheEnd(socket);
      body = body.substring(body.indexOf("\r\n\r\n") + 4);
      assertThat(body).startsWith("1\r\nd\r\n1\r\na\r\n1\r\nt\r\n").endsWith("\r\n0\r\n\r\n");
    }
  }

  @Test
  void aLineMayBeBig() throws Exception {
    String text = stream("big-line=100000");
    assertThat(text.lines().mapToInt(line -> line.getBytes(UTF_8).length).max()).hasValue(100_000);
    assertThat(Client.json(client.chat(Client.chat("sim-fast:big-line=100000", ""))).toString())
        .hasSizeGreaterThan(100_000);
  }

  @Test
  void theHeadComesAtOnceOrWithTheFirstToken() throws Exception {
    try (Socket socket = client.open(Client.streamed("sim-fast:stall"), "")) {
      assertThat(socket.getInputStream().read()).isEqualTo('H');
    }
    try (Socket socket = client.open(Client.streamed("sim-fast:slow-head,stall"), "")) {
      Client.eventually("called", () -> client.simulator.stats().calls() == 2);
      // The one loop has left the call by the time it answers another.
      client.get("/sim/stats");
      assertThat(socket.getInputStream().available()).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "true, stall",
    "true, stall-after=2",
    "true, 'slow-head,stall=1000s'",
    "false, stall",
    "false, stall=1000s"
  })
  void whoLeavesIsCounted(boolean stream, String fault) throws Exception {
    var simulator = client.simulator;
    try (var _ = client.open(Client.chat("sim-fast:" + fault, ",\"stream\":" + stream), PACE)) {
      Client.eventually("called", () -> simulator.stats().calls() == 1);
    }
    Client.eventually("cancelled", () -> simulator.stats().cancelled() == 1);
    assertThat(simulator.stats().models().get("sim-vision")).isEqualTo(new Stats.Counted(0, 0, 0));
  }

  private String stream(String fault) throws Exception {
    return Client.text(client.chat(Client.streamed("sim-fast"), "x-sim-fault", fault));
  }

  private static String readToTheEnd(Socket socket) throws IOException {
    var all = new java.io.ByteArrayOutputStream();
    try {
      socket.getInputStream().transferTo(all);
    } catch (java.net.SocketException _) {
      // A reset ends it as well.
    }
    return all.toString(UTF_8);
  }
}
