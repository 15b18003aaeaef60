package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.testkit.Seeds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class ChatFoldTest {
  private static final JsonMapper JACKSON =
      JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

  private static String fold(List<String> payloads) {
    ChatFold fold = new ChatFold();
    for (String payload : payloads) {
      byte[] bytes = payload.getBytes(UTF_8);
      fold.add(bytes, 0, bytes.length);
    }
    return new String(fold.answer(), UTF_8);
  }

  /// The message that these deltas make.
  private static JsonNode message(String... deltas) {
    List<String> payloads = new ArrayList<>();
    for (String delta : deltas) {
      payloads.add("{\"choices\":[{\"index\":0,\"delta\":" + delta + "}]}");
    }
    return JACKSON.readTree(fold(payloads)).at("/choices/0/message");
  }

  private static JsonNode json(String text) {
    return JACKSON.readTree(text.replace('\'', '"'));
  }

  @Test
  void stringsConcatenateButNotNames() {
    assertThat(
            message(
                "{\"role\":\"assistant\",\"content\":\"He\"}",
                "{\"role\":\"assistant\",\"content\":\"llo\"}"))
        .isEqualTo(json("{'role':'assistant','content':'Hello'}"));
    assertThat(
            message(
                "{\"new\":\"a\",\"content\":null}", "{\"new\":\"b\"}", "{\"obfuscation\":\"x\"}"))
        .isEqualTo(json("{'role':'assistant','content':null,'new':'ab'}"));
  }

  @Test
  void halvesOfACharacterMeet() {
    assertThat(
            message("{\"content\":\"\\ud83d\"}", "{\"content\":\"\\ude0a\"}")
                .get("content")
                .asString())
        .isEqualTo("😊");
  }

  @Test
  void toolCallsMergeByIndex() {
    assertThat(
            message(
                "{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]}",
                "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}",
                "{\"tool_calls\":[{\"index\":1,\"id\":\"\",\"function\":{\"name\":\"\",\"arguments\":\"[]\"}}]}",
                "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]}"))
        .isEqualTo(
            json(
                "{'role':'assistant','content':null,'tool_calls':["
                    + "{'id':'a','function':{'name':'f','arguments':'{}'}},"
                    + "{'id':'b','type':'function','function':{'name':'g','arguments':'[]'}}]}"));
  }

  @Test
  void anotherIdIsAnotherToolCall() {
    String call =
        "{\"tool_calls\":[{\"index\":0,\"id\":\"%s\",\"function\":{\"arguments\":\"1\"}}]}";
    assertThat(message(call.formatted("a"), call.formatted("b")).get("tool_calls")).hasSize(2);
  }

  @Test
  void partsOfOneTypeGrowTogether() {
    assertThat(
            message(
                    "{\"content\":\"Well, \"}",
                    "{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}",
                    "{\"content\":[{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"text\",\"text\":\"c\"}]}",
                    "{\"content\":[{\"type\":\"reference\",\"ids\":[1]}]}",
                    "{\"content\":\"d\"}",
                    "{\"content\":\"\"}")
                .get("content"))
        .isEqualTo(
            json(
                "[{'type':'text','text':'Well, ab'},{'type':'text','text':'c'},"
                    + "{'type':'reference','ids':[1]},{'type':'text','text':'d'}]"));
  }

  @Test
  void numbersKeepTheirSpelling() {
    assertThat(fold(List.of("{\"usage\":{\"cost\":1.10e-7,\"big\":90071992547409931234}}")))
        .contains("\"cost\":1.10e-7,\"big\":90071992547409931234");
  }

  @Test
  void choicesAndLogprobsStayApart() {
    String chunk =
        "{\"choices\":[{\"index\":%d,\"delta\":{\"content\":\"%s\"},\"logprobs\":{\"content\":[{\"token\":\"%s\"}],\"refusal\":null}}]}";
    JsonNode choices =
        JACKSON
            .readTree(
                fold(
                    List.of(
                        chunk.formatted(1, "x", "x"),
                        chunk.formatted(0, "a", "a"),
                        chunk.formatted(1, "y", "y"),
                        "{\"choices\":[{\"index\":1,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"length\"}]}")))
            .get("choices");
    assertThat(choices)
        .isEqualTo(
            json(
                "[{'index':0,'message':{'role':'assistant','content':'a'},'finish_reason':null,"
                    + "'logprobs':{'content':[{'token':'a'}],'refusal':null}},"
                    + "{'index':1,'message':{'role':'assistant','content':'xy'},'finish_reason':'length',"
                    + "'logprobs':{'content':[{'token':'x'},{'token':'y'}],'refusal':null}}]"));
  }

  @Test
  void metadataIsTheLastThatSaysSomething() {
    JsonNode answer =
        JACKSON.readTree(
            fold(
                List.of(
                    "{\"id\":\"\",\"created\":0,\"model\":\"\",\"choices\":[],\"filters\":[1],\"usage\":null}",
                    "{\"id\":\"i\",\"created\":7,\"model\":\"m\",\"x\":{\"id\":1,\"a\":{\"b\":1}},\"system_fingerprint\":null}",
                    "{\"id\":\"\",\"created\":0,\"x\":{\"usage\":{},\"a\":{\"c\":2}},\"filters\":[],\"y\":null}",
                    "[DONE]",
                    "{\"error\":{\"message\":\"x\"}}")));
    assertThat(answer)
        .isEqualTo(
            json(
                "{'id':'i','object':'chat.completion','created':7,'model':'m','choices':[],"
                    + "'filters':[1],'x':{'id':1,'a':{'b':1,'c':2},'usage':{}},'y':null}"));
  }

  @Test
  void foldsOurFixtures() {
    assertThat(fold(Recordings.payloads(Recordings.fixture("tools-and-reasoning"))))
        .isEqualTo(
            "{'id':'chatcmpl-1','object':'chat.completion','created':1770000000,'model':'made-1','choices':[{'index':0,'message':{'role':'assistant','content':'','reasoning_content':'Two cities.','tool_calls':[{'id':'call_a','type':'function','function':{'name':'weather','arguments':'{~city~: ~Bern~}'}},{'id':'call_b','type':'function','function':{'name':'weather','arguments':'{~city~: ~Kyōto~}'}}]},'finish_reason':'tool_calls'}],'x_made':{'id':'req_1','seed':9007199254740993,'usage':{'queue_time':0.041520249}},'usage':{'total_tokens':40}}"
                .replace('\'', '"')
                .replace("~", "\\\""));
    JsonNode two = JACKSON.readTree(fold(Recordings.payloads(Recordings.fixture("two-choices"))));
    assertThat(two.at("/choices/0/message/content").asString()).isEqualTo("Zürich → 東京");
    assertThat(two.at("/choices/0/logprobs/content")).hasSize(2);
    assertThat(two.at("/choices/1/finish_reason").asString()).isEqualTo("length");
    assertThat(two.get("id").asString()).isEqualTo("chatcmpl-1");
    assertThat(two.has("obfuscation")).isFalse();
    assertThat(two.get("prompt_filter_results")).hasSize(1);
  }

  @Test
  void nothingOfARecordingIsLost() {
    for (Path file : Recordings.chatStreams()) {
      List<String> payloads = Recordings.payloads(file);
      JsonNode answer = JACKSON.readTree(fold(payloads));
      StringBuilder text = new StringBuilder();
      StringBuilder reasoning = new StringBuilder();
      StringBuilder arguments = new StringBuilder();
      String finish = "";
      Set<String> names = new TreeSet<>(Set.of("choices"));
      JsonNode usage = JACKSON.nullNode();
      for (String payload : payloads) {
        JsonNode chunk = JACKSON.readTree(payload);
        names.addAll(chunk.propertyNames());
        usage = chunk.path("usage").isObject() ? chunk.get("usage") : usage;
        for (JsonNode choice : chunk.get("choices")) {
          collect(choice.at("/delta/content"), text);
          collect(choice.at("/delta/reasoning_content"), reasoning);
          for (JsonNode call : choice.at("/delta/tool_calls")) {
            arguments.append(call.at("/function/arguments").asString(""));
          }
          finish = choice.path("finish_reason").asString(finish);
        }
      }
      names.remove("obfuscation");
      if (answer.path("system_fingerprint").isMissingNode()) {
        names.remove("system_fingerprint");
      }
      JsonNode message = answer.at("/choices/0/message");
      String told = file.getFileName().toString();
      StringBuilder folded = new StringBuilder();
      collect(message.get("content"), folded);
      assertThat(folded.toString()).as(told).isEqualTo(text.toString());
      assertThat(message.path("reasoning_content").asString(""))
          .as(told)
          .isEqualTo(reasoning.toString());
      assertThat(message.at("/tool_calls/0/function/arguments").asString(""))
          .as(told)
          .isEqualTo(arguments.toString());
      assertThat(answer.at("/choices/0/finish_reason").asString())
          .as(told)
          .isEqualTo(finish)
          .isNotEmpty();
      assertThat(answer.get("usage")).as(told).isEqualTo(usage);
      assertThat(new TreeSet<>(answer.propertyNames())).as(told).isEqualTo(names);
      assertThat(answer.get("object").asString()).isEqualTo("chat.completion");
      assertThat(answer.get("id").asString()).isNotEmpty();
      assertThat(answer.get("model").asString()).isNotEmpty();
      assertThat(answer.get("created").asLong()).isPositive();
      assertThat(answer.at("/choices/0/message").has("index")).isFalse();
    }
  }

  @Test
  void recordingsFoldToTheShapeOfTheirPlainSiblings() {
    // What only the plain call of a provider gives, or only its stream.
    Set<String> apart =
        Set.of(
            "refusal",
            "annotations",
            "tool_calls",
            "logprobs",
            "usage_breakdown",
            "service_tier",
            "usage");
    for (Path file : Recordings.chatStreams()) {
      Path sibling =
          file.resolveSibling(file.getFileName().toString().replace(".chunks.txt", ".json"));
      if (!Files.exists(sibling)) {
        continue;
      }
      JsonNode folded = JACKSON.readTree(fold(Recordings.payloads(file)));
      JsonNode plain = JACKSON.readTree(Recordings.text(sibling));
      for (String place :
          List.of(
              "",
              "/choices/0",
              "/choices/0/message",
              "/choices/0/message/tool_calls/0",
              "/choices/0/message/tool_calls/0/function",
              "/usage")) {
        Set<String> expected = new TreeSet<>(plain.at(place).propertyNames());
        Set<String> found = new TreeSet<>(folded.at(place).propertyNames());
        expected.removeAll(apart);
        found.removeAll(apart);
        // A plain tool call of some providers has no content member at all.
        expected.add("content");
        found.add("content");
        assertThat(found).as(file.getFileName() + " " + place).isEqualTo(expected);
      }
    }
    JsonNode reasoning =
        JACKSON.readTree(
            fold(Recordings.payloads(Recordings.chat("mistral-reasoning.chunks.txt"))));
    assertThat(reasoning)
        .isEqualTo(JACKSON.readTree(Recordings.text(Recordings.chat("mistral-reasoning.json"))));
  }

  @Test
  void foldsALog() {
    RunLog log = new RunLog(Runnable::run, 0, 1 << 20);
    LogWriter writer = log.begin();
    for (int i = 0; i < 500; i++) {
      String data = "{\"choices\":[{\"delta\":{\"content\":\"é" + i % 10 + "\"}}]}";
      byte[] bytes = (": hi\r\ndata: " + data + "\r\n\r\n").getBytes(UTF_8);
      writer.append(Kind.CONTENT, 0, bytes, 0, bytes.length);
    }
    writer.publish();
    JsonNode answer = JACKSON.readTree(ChatFold.of(log, 0, log.end()));
    assertThat(answer.at("/choices/0/message/content").asString())
        .isEqualTo("é0é1é2é3é4é5é6é7é8é9".repeat(50));
    assertThat(Deltas.text(log, 0, 10)).isEqualTo("é0é1é2é3é4é5é6é7é8é9");
  }

  @Test
  void unfoldingIsFoldedBack() {
    List<String> answers = new ArrayList<>();
    Recordings.chatStreams().forEach(file -> answers.add(fold(Recordings.payloads(file))));
    Recordings.chatAnswers().forEach(file -> answers.add(Recordings.text(file)));
    for (String answer : answers) {
      List<String> payloads = unfold(answer, true);
      JsonNode back = JACKSON.readTree(fold(payloads));
      JsonNode expected = JACKSON.readTree(answer);
      // What a plain answer leaves out, a fold says.
      JsonNode message = expected.at("/choices/0/message");
      if (!message.has("content")) {
        ((ObjectNode) message).putNull("content");
      }
      assertThat(back).isEqualTo(expected);
      assertThat(fold(unfold(answer, false))).doesNotContain("\"usage\":{\"prompt_tokens\"");
    }
  }

  @Test
  void unfoldsAsAStreamLooks() {
    String answer =
        "{\"id\":\"i\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":"
            + "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
            + "\"logprobs\":null,\"finish_reason\":\"tool_calls\"}],\"usage\":{\"total_tokens\":1},\"x\":1.0}";
    String head =
        "{\"id\":\"i\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":";
    String delta =
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},\"index\":0}]}";
    assertThat(unfold(answer, true))
        .containsExactly(
            head
                + "[{\"index\":0,\"logprobs\":null,\"finish_reason\":null,\"delta\":"
                + delta
                + "}],\"x\":1.0,\"usage\":null}",
            head + "[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}],\"usage\":null}",
            head + "[],\"usage\":{\"total_tokens\":1}}",
            "[DONE]");
    assertThat(unfold(answer, false)).hasSize(3).noneMatch(payload -> payload.contains("usage"));
    assertThat(ChatUnfold.of("<html>".getBytes(UTF_8), true)).isEmpty();
  }

  @Test
  void mutantsNeitherThrowNorLoop() {
    List<String> payloads = new ArrayList<>();
    Recordings.samples()
        .forEach(some -> payloads.addAll(some.reversed().stream().limit(3).toList()));
    Seeds.check(
        3000,
        random -> {
          ChatFold fold = new ChatFold();
          for (int i = random.nextInt(8); i >= 0; i--) {
            byte[] mutant =
                Mutants.of(random, payloads.get(random.nextInt(payloads.size())).getBytes(UTF_8));
            fold.add(mutant, 0, mutant.length);
            Deltas.of(Kind.ANSWER, mutant).forEach(ChatFoldTest::scan);
            Deltas.of(Kind.CONTENT, mutant).forEach(ChatFoldTest::scan);
          }
          byte[] answer = fold.answer();
          new JsonScanner().reset(answer, 0, answer.length).finish();
          assertThat(ChatUnfold.of(answer, true)).isPresent();
        });
  }

  private static void scan(String json) {
    assertThat(json).doesNotContain("\n", "\r");
    byte[] bytes = json.getBytes(UTF_8);
    new JsonScanner().reset(bytes, 0, bytes.length).finish();
  }

  private static List<String> unfold(String answer, boolean includeUsage) {
    byte[] stream = ChatUnfold.of(answer.getBytes(UTF_8), includeUsage).orElseThrow();
    List<String> payloads = new ArrayList<>();
    new DataEvents((bytes, from, many) -> payloads.add(new String(bytes, from, many, UTF_8)))
        .feed(stream, 0, stream.length);
    return payloads;
  }

  private static void collect(JsonNode content, StringBuilder text) {
    if (content.isString()) {
      text.append(content.asString());
    }
    for (JsonNode part : content) {
      collect(part.has("text") ? part.get("text") : part.path("thinking"), text);
    }
  }
}
