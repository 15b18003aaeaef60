package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.testkit.Seeds;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A chat answer as the Responses API tells it.
class ResponsesFoldTest {
  private static final JsonMapper JACKSON = new JsonMapper();

  /// What the object always has: contract.md, §3.
  private static final String[] FIELDS =
      ("id object created_at completed_at status incomplete_details model previous_response_id"
              + " instructions output error tools tool_choice truncation parallel_tool_calls text"
              + " top_p presence_penalty frequency_penalty top_logprobs temperature reasoning usage"
              + " max_output_tokens max_tool_calls store background service_tier metadata"
              + " safety_identifier prompt_cache_key")
          .split(" ");

  private static Run run(String asked, Kind kind, List<String> payloads, @Nullable Terminal end) {
    var log = new RunLog(Runnable::run, 0, 1 << 24);
    LogWriter writer = log.begin();
    for (String payload : payloads) {
      byte[] bytes = (kind == Kind.ANSWER ? payload : "data: " + payload + "\n\n").getBytes(UTF_8);
      writer.append(kind, 0, bytes, 0, bytes.length);
    }
    writer.publish();
    if (end != null) {
      writer.close(end, 2_000);
    }
    var about =
        new Run.About(
            "t", "responses", "u", "asked-model", true, false, false, asked, false, null, 0);
    return new Run(
        "run_abc",
        about,
        1_000,
        log,
        new Run.Owner() {
          @Override
          public void left() {}

          @Override
          public void returned() {}

          @Override
          public void cancel(Terminal how) {}

          @Override
          public void keep(java.util.function.Consumer<@Nullable String> done) {}
        });
  }

  static Run streamed(List<String> payloads, @Nullable Terminal end) {
    return run("{\"input\":\"x\"}", Kind.CONTENT, payloads, end);
  }

  private static String delta(String delta) {
    return "{\"choices\":[{\"index\":0,\"delta\":" + delta.replace('\'', '"') + "}]}";
  }

  static JsonNode object(Run run) {
    return JACKSON.readTree(ResponsesFold.object(run));
  }

  /// All events of a run that has ended, and checks what holds for all.
  private static List<JsonNode> events(Run run) {
    return events(run, (_, end) -> List.of(end));
  }

  private interface Steps {
    List<Integer> of(int from, int end);
  }

  private static List<JsonNode> events(Run run, Steps steps) {
    var events = new ArrayList<JsonNode>();
    var fold =
        new ResponsesFold(
            run,
            (number, type, json) -> {
              JsonNode event = JACKSON.readTree(json);
              assertThat(number).isEqualTo(events.size());
              assertThat(event.get("sequence_number").asInt()).isEqualTo(number);
              assertThat(event.get("type").asString()).isEqualTo(type);
              events.add(event);
            });
    fold.begin();
    int from = run.start();
    for (int to : steps.of(from, run.end())) {
      fold.add(run, from, to);
      from = to;
    }
    Terminal terminal = run.terminal();
    if (terminal != null) {
      fold.end(terminal, run.endedAt());
    }
    assertThat(fold.count()).isEqualTo(events.size());
    return events;
  }

  private static List<String> types(List<JsonNode> events) {
    return events.stream()
        .map(event -> event.get("type").asString().replace("response.", ""))
        .toList();
  }

  /// What a client puts together from the events is what the object says.
  static void coherent(Run run) {
    List<JsonNode> events = events(run);
    JsonNode object = object(run);
    assertThat(object.propertyNames()).containsExactlyInAnyOrder(FIELDS);
    Terminal terminal = run.terminal();
    if (terminal == null || terminal.equals(Terminal.CANCELLED)) {
      return;
    }
    assertThat(events.getLast().get("response")).isEqualTo(object);
    if (terminal.failure() != null) {
      return;
    }
    var items = new ArrayList<JsonNode>();
    for (JsonNode item : object.get("output")) {
      items.add(item);
      int index = items.size() - 1;
      List<JsonNode> mine =
          events.stream().filter(event -> event.path("output_index").asInt(-1) == index).toList();
      assertThat(mine.getFirst().get("type").asString()).isEqualTo("response.output_item.added");
      assertThat(mine.getLast().get("type").asString()).isEqualTo("response.output_item.done");
      assertThat(mine.getLast().get("item")).isEqualTo(item);
      if (item.path("type").asString().equals("function_call")) {
        assertThat(said(mine, -1)).isEqualTo(item.get("arguments").asString());
      }
      for (int part = 0; part < item.path("content").size(); part++) {
        JsonNode content = item.get("content").get(part);
        assertThat(said(mine, part))
            .isEqualTo(content.path("text").asString(content.path("refusal").asString("")));
      }
    }
  }

  private static String said(List<JsonNode> events, int part) {
    var text = new StringBuilder();
    for (JsonNode event : events) {
      if (event.get("type").asString().endsWith(".delta")
          && event.path("content_index").asInt(-1) == part) {
        text.append(event.get("delta").asString());
      }
    }
    return text.toString();
  }

  @Test
  void tellsATextFromItsBeginningToItsEnd() {
    Run run =
        streamed(
            List.of(
                delta("{'role':'assistant','content':''}"),
                delta("{'content':'Hel'}"),
                delta("{'content':'lo'}"),
                "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}",
                "{\"model\":\"m-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
                    + "\"completion_tokens\":2,\"total_tokens\":5,"
                    + "\"prompt_tokens_details\":{\"cached_tokens\":1}}}"),
            Terminal.COMPLETED);
    coherent(run);
    assertThat(types(events(run)))
        .containsExactly(
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed");
    JsonNode object = object(run);
    assertThat(object.get("id").asString()).isEqualTo("resp_abc");
    assertThat(object.get("created_at").asInt()).isEqualTo(1);
    assertThat(object.get("completed_at").asInt()).isEqualTo(2);
    assertThat(object.get("model").asString()).isEqualTo("m-1");
    assertThat(object.get("output"))
        .isEqualTo(
            JACKSON.readTree(
                "[{\"id\":\"msg_abc_0\",\"type\":\"message\",\"status\":\"completed\","
                    + "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
                    + "\"text\":\"Hello\",\"annotations\":[],\"logprobs\":[]}]}]"));
    assertThat(object.get("usage"))
        .isEqualTo(
            JACKSON.readTree(
                "{\"input_tokens\":3,\"input_tokens_details\":{\"cached_tokens\":1,"
                    + "\"cache_write_tokens\":0},\"output_tokens\":2,"
                    + "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":5}"));
  }

  @Test
  void tellsReasoningRefusalsAndParallelCalls() {
    Run run =
        streamed(
            List.of(
                delta("{'reasoning_content':'Hm','reasoning':'Hm'}"),
                delta("{'content':'Well'}"),
                delta("{'refusal':'no'}"),
                delta("{'tool_calls':[{'index':0,'id':'a','function':{'name':'f'}}]}"),
                delta("{'tool_calls':[{'index':1,'id':'b','function':{'arguments':'{'}}]}"),
                delta("{'tool_calls':[{'index':0,'function':{'arguments':'{}'}}]}"),
                delta("{'tool_calls':[{'index':1,'function':{'name':'g','arguments':'}'}}]}")),
            Terminal.COMPLETED);
    coherent(run);
    JsonNode output = object(run).get("output");
    assertThat(output.size()).isEqualTo(4);
    assertThat(output.at("/0/type").asString()).isEqualTo("reasoning");
    assertThat(output.at("/0/content/0/text").asString()).isEqualTo("Hm");
    assertThat(output.at("/1/content/0/text").asString()).isEqualTo("Well");
    assertThat(output.at("/1/content/1/refusal").asString()).isEqualTo("no");
    assertThat(output.at("/2/call_id").asString()).isEqualTo("a");
    assertThat(output.at("/2/arguments").asString()).isEqualTo("{}");
    assertThat(output.at("/3/name").asString()).isEqualTo("g");
    assertThat(output.at("/3/arguments").asString()).isEqualTo("{}");
  }

  @Test
  void tellsLogprobsAndCitations() {
    Run run =
        streamed(
            List.of(
                "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"logprobs\":"
                    + "{\"content\":[{\"token\":\"Hi\",\"logprob\":-0.5,\"bytes\":null,"
                    + "\"top_logprobs\":[{\"token\":\"Ho\",\"logprob\":-1,\"bytes\":[72,111]}]}]}}]}",
                delta("{'annotations':[{'type':'url_citation','url_citation':{'url':'u'}}]}")),
            Terminal.COMPLETED);
    coherent(run);
    JsonNode part = object(run).at("/output/0/content/0");
    assertThat(part.get("logprobs"))
        .isEqualTo(
            JACKSON.readTree(
                "[{\"token\":\"Hi\",\"logprob\":-0.5,\"bytes\":[],\"top_logprobs\":"
                    + "[{\"token\":\"Ho\",\"logprob\":-1,\"bytes\":[72,111]}]}]"));
    assertThat(part.get("annotations"))
        .isEqualTo(JACKSON.readTree("[{\"type\":\"url_citation\",\"url\":\"u\"}]"));
  }

  @Test
  void saysHowItEnded() {
    String text = delta("{'content':'a'}");
    String cut = "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"content_filter\"}]}";
    JsonNode early = object(streamed(List.of(text, cut), Terminal.INCOMPLETE));
    assertThat(early.at("/incomplete_details/reason").asString()).isEqualTo("content_filter");
    assertThat(early.get("completed_at").isNull()).isTrue();
    assertThat(early.at("/output/0/status").asString()).isEqualTo("incomplete");

    Run failed =
        streamed(List.of(text), Terminal.failed(new Failure(502, "upstream_cut", "It broke.")));
    coherent(failed);
    List<JsonNode> events = events(failed);
    assertThat(types(events).subList(events.size() - 2, events.size()))
        .containsExactly("error", "failed");
    JsonNode error = events.get(events.size() - 2);
    assertThat(error.get("code").asString()).isEqualTo("upstream_cut");
    assertThat(error.get("error").get("message").asString()).isEqualTo("It broke.");
    assertThat(object(failed).at("/error/code").asString()).isEqualTo("server_error");

    Run cancelled = streamed(List.of(text), Terminal.CANCELLED);
    coherent(cancelled);
    assertThat(types(events(cancelled)).getLast()).isEqualTo("output_text.delta");
    assertThat(object(cancelled).get("status").asString()).isEqualTo("cancelled");
    assertThat(object(cancelled).at("/output/0/content/0/text").asString()).isEqualTo("a");
  }

  /// SDKs know a few codes only; what the upstream said is more than what we can say of it.
  @Test
  void tellsWhyItFailedInTheUpstreamsWords() {
    String image =
        "{\"error\":{\"message\":\"No such picture: 絵\",\"code\":\"invalid_image_url\"}}";
    JsonNode refused = failed(image, new Failure(400, "upstream_error", "u answered 400."));
    assertThat(refused.at("/error/code").asString()).isEqualTo("invalid_image_url");
    assertThat(refused.at("/error/message").asString()).isEqualTo("No such picture: 絵");
    String quota = "{\"error\":{\"message\":\"Pay\",\"code\":\"insufficient_quota\"}}";
    JsonNode poor = failed(quota, new Failure(429, "insufficient_quota", "u answered 429."));
    assertThat(poor.at("/error/code").asString()).isEqualTo("rate_limit_exceeded");
    assertThat(poor.at("/error/message").asString()).isEqualTo("Pay");
    String word = "{\"error\":\"model is loading\"}";
    JsonNode loading = failed(word, new Failure(500, "upstream_error", "u answered 500."));
    assertThat(loading.at("/error/message").asString()).isEqualTo("model is loading");
    // What is ours stays ours.
    JsonNode ours = failed(image, new Failure(504, "upstream_total_timeout", "Too slow."));
    assertThat(ours.at("/error/message").asString()).isEqualTo("Too slow.");
    for (int status : new int[] {401, 403, 404, 408, 409, 502}) {
      assertThat(failed("{}", new Failure(status, "upstream_error", "m")).at("/error/code"))
          .isEqualTo(JACKSON.readTree("\"server_error\""));
    }
    assertThat(failed("{}", new Failure(422, "upstream_error", "m")).at("/error/code").asString())
        .isEqualTo("invalid_prompt");
  }

  @Test
  void tellsOnlyTiersThatThisApiHas() {
    for (String[] each : new String[][] {{"flex", "flex"}, {"on_demand", "auto"}}) {
      String chunk = "{\"service_tier\":\"" + each[0] + "\",\"choices\":[]}";
      JsonNode object = object(streamed(List.of(chunk), Terminal.COMPLETED));
      assertThat(object.get("service_tier").asString()).isEqualTo(each[1]);
    }
  }

  /// The object of a run that failed, which is also checked against its events.
  private static JsonNode failed(String body, Failure failure) {
    Run run = run("{\"input\":\"x\"}", Kind.ANSWER, List.of(body), Terminal.failed(failure));
    coherent(run);
    JsonNode object = object(run);
    List<JsonNode> events = events(run);
    JsonNode error = events.get(events.size() - 2);
    assertThat(error.get("code").asString()).isEqualTo(failure.code());
    assertThat(error.get("message")).isEqualTo(object.at("/error/message"));
    return object;
  }

  @Test
  void anOpenRunIsToldAsFarAsItIs() {
    Run run = streamed(List.of(delta("{'content':'so far'}")), null);
    coherent(run);
    assertThat(object(run).get("status").asString()).isEqualTo("in_progress");
    assertThat(object(run).at("/output/0/content/0/text").asString()).isEqualTo("so far");
    Run background = run("{\"background\":true,\"input\":\"x\"}", Kind.CONTENT, List.of(), null);
    assertThat(types(events(background))).containsExactly("created", "queued");
  }

  /// Recordings of real providers: nothing visible is lost, whoever streamed or not.
  @Test
  void losesNothingOfWhatProvidersSent() {
    for (Path file : Recordings.chatStreams()) {
      List<String> payloads = Recordings.payloads(file);
      ChatFold chat = new ChatFold();
      for (String payload : payloads) {
        chat.add(payload.getBytes(UTF_8), 0, payload.getBytes(UTF_8).length);
      }
      Run run = streamed(payloads, Terminal.COMPLETED);
      coherent(run);
      same(file, JACKSON.readTree(chat.answer()), object(run));
    }
    for (Path file : Recordings.chatAnswers()) {
      Run run =
          run("{\"input\":\"x\"}", Kind.ANSWER, List.of(Recordings.text(file)), Terminal.COMPLETED);
      coherent(run);
      same(file, JACKSON.readTree(Recordings.text(file)), object(run));
    }
  }

  private static void same(Path file, JsonNode chat, JsonNode object) {
    JsonNode message = chat.at("/choices/0/message");
    var text = new StringBuilder();
    var thoughts = new StringBuilder();
    var calls = new ArrayList<String>();
    for (JsonNode item : object.get("output")) {
      item.path("content")
          .forEach(part -> {
            var into = part.get("type").asString().equals("reasoning_text") ? thoughts : text;
            into.append(part.path("text").asString(""));
          });
      if (item.get("type").asString().equals("function_call")) {
        calls.add(item.get("call_id").asString() + item.get("name") + item.get("arguments"));
      }
    }
    var expected = new ArrayList<String>();
    for (JsonNode call : message.path("tool_calls")) {
      JsonNode function = call.get("function");
      expected.add(call.get("id").asString() + function.get("name") + function.get("arguments"));
    }
    assertThat(calls).as(file + "").isEqualTo(expected);
    if (message.path("content").isString()) {
      assertThat(text.toString()).as(file + "").isEqualTo(message.get("content").asString());
    }
    if (message.path("reasoning_content").isString()) {
      assertThat(thoughts.toString()).isEqualTo(message.get("reasoning_content").asString());
    }
    JsonNode usage = chat.path("usage");
    assertThat(object.at("/usage/input_tokens").asInt(-1))
        .as(file + "")
        .isEqualTo(usage.path("prompt_tokens").asInt(-1));
    assertThat(object.at("/usage/output_tokens").asInt(-1))
        .isEqualTo(usage.path("completion_tokens").asInt(-1));
  }

  /// Whatever comes, in whatever steps it is read: the same events, and a coherent object.
  @Test
  void foldsTheSameInAllSteps() {
    List<List<String>> samples = Recordings.samples();
    Seeds.check(
        500,
        random -> {
          List<String> payloads = random.nextBoolean() ? made(random) : pick(random, samples);
          Terminal end =
              Seeds.pick(
                  random,
                  Terminal.COMPLETED,
                  Terminal.INCOMPLETE,
                  Terminal.CANCELLED,
                  Terminal.failed(new Failure(500, "c", "m")));
          Terminal terminal = random.nextInt(5) == 0 ? null : end;
          Run run = streamed(payloads, terminal);
          coherent(run);
          assertThat(events(run, (from, to) -> steps(random, from, to))).isEqualTo(events(run));
        });
  }

  /// What was generated comes back whole, unicode and all.
  @Test
  void whatIsGeneratedComesBack() {
    Seeds.check(
        500,
        random -> {
          var text = new StringBuilder();
          var payloads = new ArrayList<String>();
          String[] arguments = {"", "", ""};
          for (int i = random.nextInt(20); i >= 0; i--) {
            String piece = Seeds.pick(random, "a", "\n\"\\", "é😊", "\u2028", "{}", "\u0000", "語");
            if (random.nextInt(3) == 0) {
              int call = random.nextInt(3);
              arguments[call] += piece;
              payloads.add(call(call, piece));
            } else {
              text.append(piece);
              payloads.add(delta("{\"content\":" + Json.quote(piece).replace("'", "") + "}"));
            }
          }
          JsonNode output = object(streamed(payloads, Terminal.COMPLETED)).get("output");
          var said = new StringBuilder();
          String[] argued = {"", "", ""};
          for (JsonNode item : output) {
            if (item.get("type").asString().equals("message")) {
              said.append(item.at("/content/0/text").asString());
            } else {
              argued[item.get("call_id").asString().charAt(1) - '0'] =
                  item.get("arguments").asString();
            }
          }
          assertThat(said.toString()).isEqualTo(text.toString());
          assertThat(argued).isEqualTo(arguments);
        });
  }

  @Test
  void mutantsNeitherThrowNorLoop() {
    List<String> payloads = new ArrayList<>();
    Recordings.samples()
        .forEach(some -> payloads.addAll(some.reversed().stream().limit(3).toList()));
    Seeds.check(
        1000,
        random -> {
          var mutants = new ArrayList<String>();
          for (int i = random.nextInt(8); i >= 0; i--) {
            byte[] mutant = Mutants.of(random, pick(random, payloads).getBytes(UTF_8));
            mutants.add(new String(mutant, UTF_8).replace('\n', ' ').replace('\r', ' '));
          }
          coherent(streamed(mutants, Terminal.COMPLETED));
        });
  }

  private static String call(int index, String arguments) {
    return delta(
        "{'tool_calls':[{'index':"
            + index
            + ",'id':'c"
            + index
            + "','function':{'name':'f','arguments':"
            + Json.quote(arguments)
            + "}}]}");
  }

  private static List<String> made(SplittableRandom random) {
    var payloads = new ArrayList<String>();
    for (int i = random.nextInt(12); i > 0; i--) {
      payloads.add(
          Seeds.pick(
              random,
              delta("{'content':'a'}"),
              delta("{'content':''}"),
              delta("{'reasoning':'r'}"),
              delta("{'refusal':'n'}"),
              delta("{'tool_calls':[{'function':{'name':'f','arguments':'1'}}]}"),
              delta("{'tool_calls':[{'function':{'arguments':'2'}}]}"),
              call(random.nextInt(3), "x"),
              "{\"choices\":[],\"usage\":{}}",
              "[DONE]",
              "nonsense"));
    }
    return payloads;
  }

  private static List<Integer> steps(SplittableRandom random, int from, int end) {
    var steps = new ArrayList<Integer>();
    for (int at = from; at < end; at = steps.getLast()) {
      steps.add(at + 1 + random.nextInt(end - at));
    }
    return steps;
  }

  private static <T> T pick(SplittableRandom random, List<T> all) {
    return all.get(random.nextInt(all.size()));
  }

  @Test
  void echoesWhatWasAsked() {
    String asked =
        "{\"input\":\"x\",\"instructions\":\"be brief\",\"temperature\":0.5,\"metadata\":{\"a\":\"b\"},"
            + "\"previous_response_id\":\"resp_0\",\"reasoning\":{\"effort\":\"low\"},"
            + "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"store\":false,\"top_p\":null}";
    JsonNode object = object(run(asked, Kind.CONTENT, List.of(), Terminal.COMPLETED));
    for (String name : Arrays.asList("instructions", "temperature", "metadata", "store")) {
      assertThat(object.get(name)).isEqualTo(JACKSON.readTree(asked).get(name));
    }
    assertThat(object.get("previous_response_id").asString()).isEqualTo("resp_0");
    assertThat(object.at("/reasoning/effort").asString()).isEqualTo("low");
    assertThat(object.at("/top_p").asInt()).isEqualTo(1);
    assertThat(((ObjectNode) object.at("/tools/0")).propertyNames())
        .containsExactlyInAnyOrder("type", "name", "description", "parameters", "strict");
  }
}
