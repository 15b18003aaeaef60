package dev.meanwhile.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpClient;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

class ChatTest {
  private final Client client = new Client(SimulatorConfig.defaults());

  @AfterEach
  void stop() {
    client.close();
  }

  @Test
  void aStreamHasOpenAisShape() throws Exception {
    var answer =
        client.chat(
            Client.chat(
                "sim-fast",
                ",\"stream\":true,\"max_tokens\":5,\"stream_options\":{\"include_usage\":true}"));
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("content-type"))
        .hasValue("text/event-stream; charset=utf-8");
    String text = Client.text(answer);
    assertThat(text).startsWith("data: {").endsWith("}\n\ndata: [DONE]\n\n");
    List<JsonNode> chunks =
        text.lines()
            .filter(line -> line.startsWith("data: {"))
            .map(line -> Client.json(line.substring(6)))
            .toList();
    assertThat(chunks).hasSize(8);
    assertThat(chunks)
        .allSatisfy(chunk -> {
          assertThat(chunk.path("id")).isEqualTo(chunks.getFirst().path("id"));
          assertThat(chunk.path("created")).isEqualTo(chunks.getFirst().path("created"));
          assertThat(chunk.path("object").asString()).isEqualTo("chat.completion.chunk");
          assertThat(chunk.path("model").asString()).isEqualTo("sim-fast");
        });
    assertThat(chunks.subList(0, 7)).allSatisfy(c -> assertThat(c.path("usage").isNull()).isTrue());
    assertThat(delta(chunks.get(0)).path("role").asString()).isEqualTo("assistant");
    assertThat(delta(chunks.get(1)).path("content").asString()).isNotEmpty();
    assertThat(chunks.get(6).at("/choices/0/finish_reason").asString()).isEqualTo("stop");
    assertThat(chunks.get(7).path("choices")).isEmpty();
    assertThat(chunks.get(7).at("/usage/completion_tokens").asInt()).isEqualTo(5);
  }

  @Test
  void withoutBeingAskedAStreamTellsNoUsage() throws Exception {
    assertThat(Client.text(client.chat(Client.streamed("sim-fast")))).doesNotContain("usage");
  }

  @ParameterizedTest
  @EnumSource
  void plainAndStreamedSayTheSame(HttpClient.Version version) throws Exception {
    try (var other = new Client(SimulatorConfig.defaults(), version)) {
      var plain = other.chat(Client.chat("sim-complex", ",\"max_completion_tokens\":300"));
      var stream = other.chat(Client.chat("sim-fast", ",\"stream\":true,\"max_tokens\":300"));
      JsonNode completion = Client.json(plain);
      String content = completion.at("/choices/0/message/content").asString();
      assertThat(stream.version()).isEqualTo(version);
      assertThat(Client.content(Client.text(stream))).isEqualTo(content);
      assertThat(content.split(" ", -1)).hasSize(300);
      assertThat(content).contains("Zürich → 東京");
      assertThat(completion.path("object").asString()).isEqualTo("chat.completion");
      assertThat(completion.at("/usage/completion_tokens").asInt()).isEqualTo(300);
      assertThat(other.simulator.stats().tokens()).isEqualTo(600);
    }
  }

  private static String tools(String more) {
    String properties =
        "{\"city\":{\"type\":\"string\"},\"days\":{\"type\":\"integer\"},"
            + "\"unit\":{\"enum\":[\"C\",\"F\"]},\"at\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}}}";
    return ",\"max_tokens\":2,\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"first\"}},"
        + "{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":"
        + "{\"type\":\"object\",\"properties\":"
        + properties
        + "}}}]"
        + more;
  }

  @Test
  void aToolIsCalledPlainlyAndInAStream() throws Exception {
    String chosen = ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}";
    JsonNode plain = Client.json(client.chat(Client.chat("sim-fast", tools(chosen))));
    assertThat(plain.at("/choices/0/finish_reason").asString()).isEqualTo("tool_calls");
    assertThat(plain.at("/choices/0/message/content").isNull()).isTrue();
    JsonNode call = plain.at("/choices/0/message/tool_calls/0");
    assertThat(call.at("/function/name").asString()).isEqualTo("weather");
    JsonNode arguments = Client.json(call.at("/function/arguments").asString());
    assertThat(arguments.path("city").isString()).isTrue();
    assertThat(arguments.path("days").isInt()).isTrue();
    assertThat(arguments.path("unit").asString()).isEqualTo("C");
    assertThat(arguments.at("/at/0").isNumber()).isTrue();

    String asked = tools(chosen + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    var argued = new StringBuilder();
    var last = new StringBuilder();
    for (String line : Client.text(client.chat(Client.chat("sim-fast", asked))).split("\n", -1)) {
      if (line.startsWith("data: {")) {
        JsonNode chunk = Client.json(line.substring(6));
        JsonNode said = delta(chunk).at("/tool_calls/0");
        assertThat(said.path("id").asString(call.path("id").asString()))
            .isEqualTo(call.path("id").asString());
        argued.append(said.at("/function/arguments").asString(""));
        last.append(chunk.at("/choices/0/finish_reason").asString(""));
        if (chunk.path("usage").isObject()) {
          assertThat(chunk.path("usage")).isEqualTo(plain.path("usage"));
        }
      }
    }
    assertThat(argued.toString()).isEqualTo(call.at("/function/arguments").asString());
    assertThat(last.toString()).isEqualTo("tool_calls");
  }

  @Test
  void anAnswerOfASchemaIsMadeUpPlainlyAndInAStream() throws Exception {
    String wanted =
        ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":"
            + "{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},\"a\":{\"enum\":[\"x\",\"y\"]}}}}}";
    JsonNode plain = Client.json(client.chat(Client.chat("sim-fast", wanted)));
    String content = plain.at("/choices/0/message/content").asString();
    assertThat(plain.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
    JsonNode answer = Client.json(content);
    assertThat(answer.propertyNames()).containsExactly("b", "a");
    assertThat(answer.path("a").asString()).isEqualTo("x");
    String stream = Client.text(client.chat(Client.chat("sim-fast", wanted + ",\"stream\":true")));
    assertThat(Client.content(stream)).isEqualTo(content);
    // Any other format is prose.
    JsonNode other =
        Client.json(
            client.chat(Client.chat("sim-fast", ",\"response_format\":{\"type\":\"text\"}")));
    assertThat(other.at("/choices/0/message/content").asString()).doesNotContain("{");
  }

  @Test
  void noToolIsCalledTwiceOrAgainstTheCallersWord() throws Exception {
    JsonNode first = Client.json(client.chat(Client.chat("sim-fast", tools(""))));
    assertThat(first.at("/choices/0/message/tool_calls/0/function/name").asString())
        .isEqualTo("first");
    assertThat(first.at("/choices/0/message/tool_calls/0/function/arguments").asString())
        .isEqualTo("{}");
    JsonNode none =
        Client.json(client.chat(Client.chat("sim-fast", tools(",\"tool_choice\":\"none\""))));
    assertThat(none.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
    String answered =
        "{\"model\":\"sim-fast\",\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"4\"}]"
            + tools("")
            + "}";
    JsonNode text = Client.json(client.chat(answered));
    assertThat(text.at("/choices/0/message/content").asString()).isNotEmpty();
    String unknown =
        ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"none of them\"}}";
    refused(client.chat(Client.chat("sim-fast", tools(unknown))), 400);
  }

  @Test
  void theSameCallsDrawTheSame() throws Exception {
    String first = drawn();
    String second = drawn();
    assertThat(second).isNotEqualTo(first);
    client.post("/sim/reset", "");
    assertThat(drawn()).isEqualTo(first);
    assertThat(drawn()).isEqualTo(second);
    try (var other = new Client(SimulatorConfig.defaults().withSeed(1))) {
      assertThat(drawn(other)).isNotEqualTo(first);
    }
  }

  private String drawn() throws Exception {
    return drawn(client);
  }

  /// What was drawn, without waiting for it.
  private static String drawn(Client client) throws Exception {
    var answer =
        client.send(
            "/v1/chat/completions", Client.chat("sim-vision", ""), "x-sim-fault", "status=500");
    return answer.headers().firstValue("x-sim-first-token-ms").orElseThrow()
        + " of "
        + answer.headers().firstValue("x-sim-total-ms").orElseThrow();
  }

  @Test
  void whatWasFixedComesBack() throws Exception {
    var answer =
        client.chat(
            Client.chat("sim-standard", ""),
            "x-sim-first-token-ms",
            "5",
            "x-sim-token-ms",
            "0.5",
            "x-sim-tokens",
            "11");
    assertThat(answer.headers().firstValue("x-sim-first-token-ms")).hasValue("5");
    assertThat(answer.headers().firstValue("x-sim-total-ms")).hasValue("10");
    assertThat(Client.json(answer).at("/usage/completion_tokens").asInt()).isEqualTo(11);
  }

  @Test
  void anAnswerTakesWhatWasDrawn() throws Exception {
    long start = System.nanoTime();
    client.chat(Client.chat("sim-fast", ""), "x-sim-first-token-ms", "150");
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(150_000_000);
    var backend = client.get("/sim/backend/service");
    assertThat(Client.json(backend).path("ms").asInt()).isPositive();
  }

  @Test
  void refusalsAreOpenAis() throws Exception {
    refused(client.chat("{"), 400);
    refused(client.chat("[]"), 400);
    refused(client.chat("{\"messages\":[]}"), 400);
    refused(client.chat("{\"model\":\"sim-fast\"}"), 400);
    refused(client.chat(Client.chat("sim-fast", ",\"max_tokens\":0")), 400);
    refused(client.chat(Client.chat("sim-fast", ",\"n\":2")), 400);
    refused(client.chat(Client.chat("gpt-4.1", "")), 404);
    refused(client.chat(Client.chat("sim-embedding", "")), 404);
    refused(client.chat(Client.chat("sim-fast:oops", "")), 400);
    refused(client.chat(Client.chat("sim-fast", ""), "x-sim-fault", "oops"), 400);
    refused(client.chat(Client.chat("sim-fast", ""), "x-sim-tokens", "many"), 400);
    refused(client.get("/v1/models/gpt-4.1"), 404);
    refused(client.get("/v1/chat/completions"), 405);
    refused(client.get("/nowhere"), 404);
    refused(client.get("/sim/backend/moon"), 404);
    assertThat(client.simulator.stats().calls()).isZero();
  }

  private static void refused(java.net.http.HttpResponse<byte[]> answer, int status) {
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(Client.json(answer).path("error").propertyNames())
        .containsExactly("message", "type", "param", "code");
  }

  @Test
  void aBodyMayBeTooLong() throws Exception {
    try (var small = new Client(SimulatorConfig.defaults().withMaxBody(100))) {
      refused(small.chat(Client.chat("sim-fast", " ".repeat(10_000))), 413);
    }
  }

  @Test
  void modelsAreListed() throws Exception {
    assertThat(Client.json(client.get("/v1/models")).at("/data/1/id").asString())
        .isEqualTo("sim-standard");
    assertThat(Client.text(client.get("/v1/models/sim-fast:status=503")))
        .matches(Pattern.compile("\\{\"id\":\"sim-fast:status=503\",\"object\":\"model\".*"));
  }

  @Test
  void severalLoopsShareThePort() throws Exception {
    try (var wide = new Client(SimulatorConfig.defaults().withLoops(2))) {
      for (int i = 0; i < 4; i++) {
        try (var other = wide.open(Client.streamed("sim-fast:stall"), "")) {
          assertThat(other.getInputStream().read()).isEqualTo('H');
        }
      }
      assertThat(wide.simulator.stats().calls()).isEqualTo(4);
    }
  }

  private static JsonNode delta(JsonNode chunk) {
    return chunk.at("/choices/0/delta");
  }
}
