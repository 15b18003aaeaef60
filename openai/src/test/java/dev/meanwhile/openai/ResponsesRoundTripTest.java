package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.openai.ResponsesRequest.Turn;
import dev.meanwhile.testkit.Seeds;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What an upstream said comes back to it, in its own words, when the conversation goes on.
class ResponsesRoundTripTest {
  private static final JsonMapper JACKSON = new JsonMapper();

  /// An answer as a chat API streams it, and what it says.
  private static final class Answer {
    final List<String> payloads = new ArrayList<>();
    final StringBuilder text = new StringBuilder();

    /// By their ids, in the order in which they came.
    final Map<String, StringBuilder> arguments = new LinkedHashMap<>();

    Answer(SplittableRandom random) {
      int calls = random.nextInt(4);
      for (int i = random.nextInt(25); i >= 0; i--) {
        ObjectNode delta = JACKSON.createObjectNode();
        if (calls > 0 && random.nextInt(2) == 0) {
          call(delta, random, random.nextInt(calls));
        } else if (random.nextInt(4) == 0) {
          delta.put("reasoning_content", piece(random));
        } else {
          String piece = piece(random);
          text.append(piece);
          delta.put("content", piece);
        }
        ObjectNode chunk = JACKSON.createObjectNode();
        chunk.putArray("choices").addObject().put("index", 0).set("delta", delta);
        payloads.add(JACKSON.writeValueAsString(chunk));
      }
    }

    private void call(ObjectNode delta, SplittableRandom random, int index) {
      String id = "call_" + index;
      boolean begins = !arguments.containsKey(id);
      ObjectNode call = delta.putArray("tool_calls").addObject().put("index", index);
      ObjectNode function = call.putObject("function");
      if (begins) {
        call.put("id", id).put("type", "function");
        function.put("name", "tool_" + index);
      }
      String piece = piece(random);
      arguments.computeIfAbsent(id, _ -> new StringBuilder()).append(piece);
      function.put("arguments", piece);
    }
  }

  private static String piece(SplittableRandom random) {
    var piece = new StringBuilder();
    for (int i = random.nextInt(5); i > 0; i--) {
      int sort = random.nextInt(6);
      int code =
          switch (sort) {
            case 0 -> random.nextInt(0x20);
            case 1 -> Seeds.pick(random, (int) '"', (int) '\\', (int) '/', 0x2028, 0x7f, 0xfeff);
            case 2 -> 0xa0 + random.nextInt(0x500);
            case 3 -> 0x4e00 + random.nextInt(0x5000);
            case 4 -> 0x1f300 + random.nextInt(0x500);
            default -> 'a' + random.nextInt(26);
          };
      piece.appendCodePoint(code);
    }
    return piece.toString();
  }

  @Test
  void whatWasSaidIsSaidAgain() {
    Seeds.check(
        1000,
        random -> {
          var answer = new Answer(random);
          Run run = ResponsesFoldTest.streamed(answer.payloads, Terminal.COMPLETED);
          ResponsesFoldTest.coherent(run);
          var turn = new Turn("{\"input\":\"q\"}".getBytes(UTF_8), ResponsesFold.object(run));
          Map<String, String> outputs = new LinkedHashMap<>();
          answer.arguments.keySet().forEach(id -> outputs.put(id, piece(random)));
          String last = piece(random);
          ResponsesRequest next = ResponsesRequest.of(next(outputs, last));
          assertThat(next.problem()).isNull();
          check(answer, outputs, last, JACKSON.readTree(next.chat(List.of(turn))).get("messages"));
        });
  }

  /// The same as items, which a caller who keeps the conversation itself sends.
  @Test
  void itemsThatAreSentBackSayTheSame() {
    Seeds.check(
        1000,
        random -> {
          var answer = new Answer(random);
          Run run = ResponsesFoldTest.streamed(answer.payloads, Terminal.COMPLETED);
          Map<String, String> outputs = new LinkedHashMap<>();
          answer.arguments.keySet().forEach(id -> outputs.put(id, piece(random)));
          String last = piece(random);
          ArrayNode input = JACKSON.createArrayNode();
          input.addObject().put("role", "user").put("content", "q");
          ResponsesFoldTest.object(run).get("output").forEach(input::add);
          JACKSON.readTree(next(outputs, last)).get("input").forEach(input::add);
          ObjectNode body = JACKSON.createObjectNode();
          body.set("input", input);
          ResponsesRequest next = ResponsesRequest.of(JACKSON.writeValueAsBytes(body));
          assertThat(next.problem()).isNull();
          check(answer, outputs, last, JACKSON.readTree(next.chat(List.of())).get("messages"));
        });
  }

  private static byte[] next(Map<String, String> outputs, String last) {
    ObjectNode body = JACKSON.createObjectNode();
    ArrayNode input = body.putArray("input");
    outputs.forEach((id, output) ->
        input
            .addObject()
            .put("type", "function_call_output")
            .put("call_id", id)
            .put("output", output));
    input.addObject().put("role", "user").put("content", last);
    return JACKSON.writeValueAsBytes(body);
  }

  private static void check(
      Answer answer, Map<String, String> outputs, String last, JsonNode messages) {
    assertThat(messages.get(0).get("content").asString()).isEqualTo("q");
    assertThat(messages.get(messages.size() - 1).get("content").asString()).isEqualTo(last);
    var said = new StringBuilder();
    var calls = new LinkedHashMap<String, String>();
    var answers = new LinkedHashMap<String, String>();
    List<String> open = new ArrayList<>();
    for (JsonNode message : messages) {
      String role = message.get("role").asString();
      if (role.equals("tool")) {
        String id = message.get("tool_call_id").asString();
        assertThat(open.remove(id)).as("the output of a call follows it").isTrue();
        answers.put(id, message.get("content").asString());
        continue;
      }
      assertThat(open).as("calls without outputs").isEmpty();
      if (role.equals("assistant")) {
        said.append(text(message.get("content")));
        for (JsonNode call : message.path("tool_calls")) {
          String id = call.get("id").asString();
          open.add(id);
          assertThat(call.at("/function/name").asString()).isEqualTo(id.replace("call", "tool"));
          calls.put(id, call.at("/function/arguments").asString());
        }
      }
    }
    assertThat(said.toString()).isEqualTo(answer.text.toString());
    var expected = new LinkedHashMap<String, String>();
    answer.arguments.forEach((id, arguments) -> expected.put(id, arguments.toString()));
    assertThat(List.copyOf(calls.entrySet())).isEqualTo(List.copyOf(expected.entrySet()));
    assertThat(answers).isEqualTo(outputs);
  }

  private static String text(@Nullable JsonNode content) {
    if (content == null || content.isNull()) {
      return "";
    }
    if (content.isString()) {
      return content.asString();
    }
    var text = new StringBuilder();
    content.forEach(part -> text.append(Objects.requireNonNull(part.get("text")).asString()));
    return text.toString();
  }
}
