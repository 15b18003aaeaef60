package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.ended;
import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static dev.meanwhile.server.wire.AsyncTest.say;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Recordings;
import dev.meanwhile.server.kit.Wire;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The Responses API before an upstream that speaks chat completions only.
class ResponsesTest {
  private static final String PATH = "/v1/responses";

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private Gateway gateway() {
    return Gateway.keeping(data, upstream);
  }

  private static String request(String question, String... members) {
    var body = new StringBuilder("{\"model\":\"m\",\"input\":\"" + question + "\"");
    for (String member : members) {
      body.append(",\"").append(member.replaceFirst(":", "\":"));
    }
    return body.append('}').toString();
  }

  private static String run(String response) {
    return response.replace("resp_", "run_");
  }

  /// Makes a response in the background, and returns its id.
  private static String background(Gateway gateway, String... members) throws Exception {
    var all = new ArrayList<>(List.of(members));
    all.add("background:true");
    var answer = gateway.post(PATH, request("x", all.toArray(String[]::new)));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer.body()).path("id").asString();
  }

  private static JsonNode get(Gateway gateway, String id) throws Exception {
    var answer = gateway.get(PATH + "/" + id);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer.body());
  }

  private static String text(JsonNode object) {
    return object.at("/output/0/content/0/text").asString("");
  }

  /// The events of a whole stream, and checks their numbers and its end.
  private static List<String> events(String stream, int first) {
    List<String> blocks = new ArrayList<>(List.of(stream.split("\n\n")));
    blocks.removeIf(block -> block.startsWith(":"));
    assertThat(blocks.removeLast()).isEqualTo("data: [DONE]");
    for (int i = 0; i < blocks.size(); i++) {
      String block = blocks.get(i);
      JsonNode event = json(block.substring(block.indexOf("data: ") + 6));
      assertThat(event.path("sequence_number").asInt(-1)).isEqualTo(first + i);
      assertThat(block).contains("event: " + event.path("type").asString() + "\n");
    }
    return blocks;
  }

  private static String stream(Gateway gateway, String id, String query) throws Exception {
    var answer = gateway.get(PATH + "/" + id + "?stream=true" + query);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.body();
  }

  @Test
  void answersPlainly() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire()) {
      wire.post(PATH, request("x", "instructions:\"be brief\"", "metadata:{\"a\":\"b\"}"));
      Exchange call = upstream.take();
      assertThat(call.line()).isEqualTo("POST /v1/chat/completions HTTP/1.1");
      assertThat(call.body())
          .isEqualTo(
              "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},"
                  + "{\"role\":\"user\",\"content\":\"x\"}]}");
      call.json(200, Chat.answer("hello"));
      assertThat(wire.status()).isEqualTo(200);
      JsonNode object = json(wire.rest());
      assertThat(text(object)).isEqualTo("hello");
      assertThat(object.path("status").asString()).isEqualTo("completed");
      assertThat(object.at("/metadata/a").asString()).isEqualTo("b");
      String id = object.path("id").asString();
      assertThat(wire.header("meanwhile-run")).isEqualTo(run(id));
      assertThat(get(gateway, id)).isEqualTo(object);
    }
  }

  @Test
  void streams() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire()) {
      wire.post(PATH, request("x", "stream:true"));
      Exchange call = upstream.take();
      assertThat(call.body())
          .contains("\"stream\":true", "\"stream_options\":{\"include_usage\":true}");
      call.stream();
      call.event(Chat.chunk("one"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).contains("event: response.created\n").doesNotContain("id: ");
      assertThat(wire.event()).contains("event: response.in_progress\n");
      assertThat(wire.event()).contains("output_item.added");
      assertThat(wire.event()).contains("content_part.added");
      String delta = wire.event();
      assertThat(delta).contains("\"delta\":\"one\"", "\"sequence_number\":4");
      call.event(Chat.stop());
      call.event(Chat.usage());
      call.done();
      assertThat(wire.rest())
          .contains("event: response.completed\n", "\"total_tokens\":3")
          .endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void worksInTheBackgroundAndIsToldAsItGrows() throws Exception {
    String id;
    JsonNode done;
    try (var gateway = gateway()) {
      id = background(gateway);
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("one"));
      Eventually.until("the part is there", () -> text(get(gateway, id)).equals("one"));
      assertThat(get(gateway, id).path("status").asString()).isEqualTo("in_progress");
      var early = gateway.send(gateway.request(PATH + "/" + id).DELETE().build());
      FailuresTest.error(early.body(), "run_not_ended");
      call.event(Chat.chunk("two"));
      call.event(Chat.stop());
      call.event(Chat.usage());
      call.done();
      var waited = gateway.get(PATH + "/" + id, "Prefer", "wait=30");
      done = json(waited.body());
      assertThat(text(done)).isEqualTo("onetwo");
      assertThat(done.path("background").asBoolean()).isTrue();
    }
    try (var again = gateway()) {
      assertThat(get(again, id)).isEqualTo(done);
    }
  }

  @Test
  void isResumedFromEveryNumber() throws Exception {
    String id;
    String whole;
    try (var gateway = gateway();
        var first = gateway.wire()) {
      first.post(PATH, request("x", "stream:true", "background:true"));
      assertThat(first.status()).isEqualTo(200);
      String created = first.event();
      assertThat(created).contains("\"status\":\"queued\"");
      id = json(created.substring(created.indexOf("data: ") + 6)).at("/response/id").asString();
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("one"));
      var before = new StringBuilder(created);
      String event;
      do {
        event = first.event();
        before.append(event);
      } while (!event.contains("output_text.delta"));

      // Readers that come while it runs, from every number so far.
      var wires = new ArrayList<Wire>();
      int seen = before.toString().split("\n\n").length;
      for (int after = 0; after < seen; after++) {
        Wire wire = gateway.wire();
        wire.get(PATH + "/" + id + "?stream=true&starting_after=" + after);
        assertThat(wire.status()).isEqualTo(200);
        wires.add(wire);
      }
      first.leave();
      call.event(Chat.chunk("two"));
      call.event(Chat.stop());
      call.event(Chat.usage());
      call.done();
      ended(gateway, run(id));
      whole = stream(gateway, id, "");
      List<String> events = events(whole, 0);
      assertThat(whole).startsWith(before);
      assertThat(events.get(1)).contains("response.queued");
      assertThat(events.get(2)).contains("response.in_progress");
      for (int after = 0; after < seen; after++) {
        try (Wire wire = wires.get(after)) {
          assertThat(events(wire.rest(), after + 1))
              .isEqualTo(events.subList(after + 1, events.size()));
        }
      }
      resumes(gateway, id, events);
    }
    try (var again = gateway()) {
      assertThat(stream(again, id, "")).isEqualTo(whole);
      resumes(again, id, events(whole, 0));
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  private static void resumes(Gateway gateway, String id, List<String> events) throws Exception {
    for (int after = 0; after < events.size(); after++) {
      assertThat(events(stream(gateway, id, "&starting_after=" + after), after + 1))
          .isEqualTo(events.subList(after + 1, events.size()));
    }
    // As an EventSource comes back: with ids, and after the end not again.
    String last = Integer.toString(events.size() - 1);
    var source = gateway.get(PATH + "/" + id + "?stream=true", "Last-Event-ID", "1");
    assertThat(source.body()).contains("id: 2\nevent: response.in_progress\n");
    assertThat(source.body()).doesNotContain("id: 1\n");
    var over = gateway.get(PATH + "/" + id + "?stream=true", "Last-Event-ID", last);
    assertThat(over.statusCode()).isEqualTo(204);
    assertThat(stream(gateway, id, "&sse_id=true")).startsWith("id: 0\n");
    var nonsense = gateway.get(PATH + "/" + id + "?stream=true&starting_after=x");
    assertThat(nonsense.statusCode()).isEqualTo(400);
  }

  @Test
  void isCancelledOnceForAll() throws Exception {
    String id;
    try (var gateway = gateway();
        var follower = gateway.wire()) {
      id = background(gateway);
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("part"));
      Eventually.until("the part is there", () -> text(get(gateway, id)).equals("part"));
      follower.get(PATH + "/" + id + "?stream=true");
      assertThat(follower.status()).isEqualTo(200);
      for (int i = 0; i < 2; i++) {
        JsonNode cancelled = json(gateway.post(PATH + "/" + id + "/cancel", "").body());
        assertThat(cancelled.path("status").asString()).isEqualTo("cancelled");
        assertThat(text(cancelled)).isEqualTo("part");
      }
      call.awaitGone();
      assertThat(follower.rest())
          .contains("output_text.delta")
          .doesNotContain("response.cancelled", "response.completed")
          .endsWith("data: [DONE]\n\n");
    }
    try (var again = gateway()) {
      assertThat(get(again, id).path("status").asString()).isEqualTo("cancelled");
    }
  }

  @Test
  void isErased() throws Exception {
    try (var gateway = gateway()) {
      String id = background(gateway);
      upstream.take().json(200, Chat.answer("a"));
      ended(gateway, run(id));
      var request = gateway.request(PATH + "/" + id).DELETE().build();
      assertThat(gateway.send(request).body())
          .isEqualTo("{\"id\":\"" + id + "\",\"object\":\"response\",\"deleted\":true}");
      assertThat(gateway.get(PATH + "/" + id).statusCode()).isEqualTo(404);
      assertThat(gateway.send(request).statusCode()).isEqualTo(404);
    }
  }

  @Test
  void listsWhatItWasAsked() throws Exception {
    String body =
        "{\"model\":\"m\",\"background\":true,\"input\":[{\"role\":\"user\",\"content\":\"a\"},"
            + "{\"role\":\"assistant\",\"content\":\"b\"},"
            + "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},"
            + "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"d\"}]}";
    String id;
    try (var gateway = gateway()) {
      id = json(gateway.post(PATH, body).body()).path("id").asString();
      upstream.take().json(200, Chat.answer("a"));
      ended(gateway, run(id));
    }
    try (var again = gateway()) {
      String path = PATH + "/" + id + "/input_items";
      JsonNode list = json(again.get(path + "?order=asc").body());
      assertThat(list.path("object").asString()).isEqualTo("list");
      assertThat(list.path("has_more").asBoolean()).isFalse();
      assertThat(list.at("/data/0/content/0/text").asString()).isEqualTo("a");
      assertThat(list.at("/data/1/content/0/type").asString()).isEqualTo("output_text");
      assertThat(list.at("/data/3/output").asString()).isEqualTo("d");
      String last = list.path("last_id").asString();
      assertThat(list.at("/data/3/id").asString()).isEqualTo(last);
      JsonNode first = json(again.get(path + "?limit=1").body());
      assertThat(first.at("/data/0/id").asString()).isEqualTo(last);
      assertThat(first.path("has_more").asBoolean()).isTrue();
      JsonNode rest = json(again.get(path + "?limit=3&after=" + last).body());
      assertThat(rest.path("data").size()).isEqualTo(3);
      assertThat(rest.path("last_id")).isEqualTo(list.path("first_id"));
      assertThat(again.get(path + "?limit=0").statusCode()).isEqualTo(400);
    }
  }

  @Test
  void goesOnFromAnEarlierOneAlsoAfterARestart() throws Exception {
    String second;
    try (var gateway = gateway()) {
      String first = background(gateway, "instructions:\"old\"");
      upstream.take().json(200, Chat.answer("a"));
      ended(gateway, run(first));
      second = background(gateway, "previous_response_id:\"" + first + "\"");
      Exchange call = upstream.take();
      assertThat(json(call.body()).path("messages"))
          .isEqualTo(
              json(
                  "[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":"
                      + "[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"user\",\"content\":\"x\"}]"));
      var early = gateway.post(PATH, request("y", "previous_response_id:\"" + second + "\""));
      FailuresTest.error(early.body(), "previous_response_not_completed");
      call.json(200, Chat.answer("b"));
      ended(gateway, run(second));
    }
    try (var again = gateway()) {
      background(again, "previous_response_id:\"" + second + "\"");
      assertThat(json(upstream.take().body()).path("messages").size()).isEqualTo(5);
      for (String unknown : List.of("resp_0", "other")) {
        var answer = again.post(PATH, request("y", "previous_response_id:\"" + unknown + "\""));
        assertThat(answer.statusCode()).isEqualTo(400);
        FailuresTest.error(answer.body(), "previous_response_not_found");
      }
    }
  }

  @Test
  void aForegroundAnswerIsThereAfterARestartUnlessItIsNotToBeStored() throws Exception {
    String kept;
    String secret;
    try (var gateway = gateway();
        var one = gateway.wire();
        var other = gateway.wire()) {
      one.post(PATH, request("x"));
      upstream.take().json(200, Chat.answer("a"));
      one.status();
      kept = json(one.rest()).path("id").asString();
      other.post(PATH, request("x", "store:false"));
      upstream.take().json(200, Chat.answer("a"));
      other.status();
      secret = json(other.rest()).path("id").asString();
      assertThat(gateway.get(PATH + "/" + secret).statusCode()).isEqualTo(404);
      var next = gateway.post(PATH, request("x", "previous_response_id:\"" + secret + "\""));
      FailuresTest.error(next.body(), "previous_response_not_found");
    }
    try (var again = gateway()) {
      assertThat(text(get(again, kept))).isEqualTo("a");
      assertThat(again.get(PATH + "/" + secret).statusCode()).isEqualTo(404);
      assertThat(again.get("/v1/runs/" + run(secret)).statusCode()).isEqualTo(404);
    }
  }

  @Test
  void refusesWhatItCannotSay() throws Exception {
    try (var gateway = gateway()) {
      for (String[] each :
          new String[][] {
            {"conversation:\"c\"", "conversation"},
            {"tools:[{\"type\":\"web_search\"}]", "tools[0].type"},
            {"made_up:1", "made_up"}
          }) {
        var answer = gateway.post(PATH, request("x", each[0]));
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(json(answer.body()).at("/error/param").asString()).isEqualTo(each[1]);
      }
      var secret = gateway.post(PATH, request("x", "background:true", "store:false"));
      assertThat(json(secret.body()).at("/error/param").asString()).isEqualTo("store");
      assertThat(upstream.calls()).isZero();
      assertThat(gateway.get(PATH).statusCode()).isEqualTo(405);
      assertThat(gateway.get(PATH + "/resp_0").statusCode()).isEqualTo(404);
      assertThat(gateway.get(PATH + "/other/input_items").statusCode()).isEqualTo(404);
      String chat = AsyncTest.accepted(gateway, Chat.plain("x")).replace("run_", "resp_");
      assertThat(gateway.get(PATH + "/" + chat).statusCode()).isEqualTo(404);
    }
  }

  @Test
  void anEarlyFailureKeepsItsStatus() throws Exception {
    try (var gateway = gateway()) {
      for (String streamed : List.of("stream:false", "stream:true")) {
        try (var wire = gateway.wire()) {
          wire.post(PATH, request("x", streamed));
          upstream.take().json(404, "{\"error\":{\"message\":\"no such model\"}}");
          assertThat(wire.status()).isEqualTo(404);
          assertThat(wire.rest()).contains("no such model");
        }
      }
    }
  }

  @Test
  void aLateFailureIsToldInTheStream() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire()) {
      wire.post(PATH, request("x", "stream:true"));
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("one"));
      assertThat(wire.status()).isEqualTo(200);
      wire.event();
      call.cut();
      String rest = wire.rest();
      assertThat(rest)
          .contains("event: error\n", "\"code\":\"upstream_cut\"", "event: response.failed\n")
          .endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void aFailureInTheBackgroundIsToldByTheObject() throws Exception {
    try (var gateway = gateway()) {
      String id = background(gateway);
      upstream.take().json(400, "{\"error\":{\"message\":\"no\"}}");
      ended(gateway, run(id));
      JsonNode object = get(gateway, id);
      assertThat(object.path("status").asString()).isEqualTo("failed");
      assertThat(object.at("/error/code").asString()).isEqualTo("invalid_prompt");
      assertThat(stream(gateway, id, "")).contains("response.failed");
    }
  }

  @Test
  void whatTheUpstreamSaidOfAFailureIsKept() throws Exception {
    String id;
    JsonNode failed;
    try (var gateway = gateway()) {
      id = background(gateway);
      upstream
          .take()
          .json(400, "{\"error\":{\"message\":\"no picture\",\"code\":\"invalid_image_url\"}}");
      ended(gateway, run(id));
      failed = get(gateway, id);
      assertThat(failed.at("/error/code").asString()).isEqualTo("invalid_image_url");
      assertThat(failed.at("/error/message").asString()).isEqualTo("no picture");
      assertThat(stream(gateway, id, ""))
          .contains("\"code\":\"upstream_error\"", "\"message\":\"no picture\"");
    }
    try (var again = gateway()) {
      assertThat(get(again, id)).isEqualTo(failed);
    }
  }

  @Test
  void numbersOfAnAnswerThatBeganAnewAreRefused() throws Exception {
    String id;
    List<String> events;
    try (var gateway = gateway();
        var follower = gateway.wire()) {
      id = background(gateway);
      Exchange cut = upstream.take();
      cut.stream();
      cut.event(Chat.chunk("half"));
      Eventually.until("the half is there", () -> text(get(gateway, id)).equals("half"));
      follower.get(PATH + "/" + id + "?stream=true");
      assertThat(follower.status()).isEqualTo(200);
      cut.cut();
      say(upstream.take(), "whole");
      // Who has seen the half is told so, and not that it has ended.
      assertThat(follower.broken())
          .contains("half", "event: error\n", "\"code\":\"run_restarted\"")
          .doesNotContain("whole", "response.completed");
      ended(gateway, run(id));
      events = events(stream(gateway, id, ""), 0);
      assertThat(String.join("", events)).contains("whole").doesNotContain("half");
      refusesNumbers(gateway, id);
    }
    try (var again = gateway()) {
      assertThat(events(stream(again, id, ""), 0)).isEqualTo(events);
      assertThat(text(get(again, id))).isEqualTo("whole");
      refusesNumbers(again, id);
    }
  }

  private static void refusesNumbers(Gateway gateway, String id) throws Exception {
    String path = PATH + "/" + id + "?stream=true";
    for (String after : List.of("0", "4", "99")) {
      var refused = gateway.get(path + "&starting_after=" + after);
      assertThat(refused.statusCode()).isEqualTo(400);
      FailuresTest.error(refused.body(), "run_restarted");
      assertThat(json(refused.body()).at("/error/param").asString()).isEqualTo("starting_after");
    }
    var source = gateway.get(path, "Last-Event-ID", "4");
    assertThat(source.statusCode()).isEqualTo(400);
    FailuresTest.error(source.body(), "run_restarted");
  }

  /// What the acceptance suite of Open Responses sends, plain and streamed.
  @Test
  void takesAllKindsOfInput() throws Exception {
    String picture = "data:image/png;base64,iVBORw0KGgo=";
    String[][] all = {
      {
        "[{\"type\":\"message\",\"role\":\"user\",\"content\":\"hello\"}]",
        "[{\"role\":\"user\",\"content\":\"hello\"}]"
      },
      {
        "[{\"type\":\"message\",\"role\":\"system\",\"content\":\"be a pirate\"},{\"type\":\"message\",\"role\":\"user\",\"content\":\"hello\"}]",
        "[{\"role\":\"system\",\"content\":\"be a pirate\"},{\"role\":\"user\",\"content\":\"hello\"}]"
      },
      {
        "[{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"what?\"},{\"type\":\"input_image\",\"image_url\":\"P\"}]}]",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"what?\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"P\"}}]}]"
      },
      {
        "[{\"role\":\"user\",\"content\":\"I am A\"},{\"role\":\"assistant\",\"content\":\"hi A\"},{\"role\":\"user\",\"content\":\"who?\"}]",
        "[{\"role\":\"user\",\"content\":\"I am A\"},{\"role\":\"assistant\",\"content\":\"hi A\"},{\"role\":\"user\",\"content\":\"who?\"}]"
      },
      {
        "[{\"role\":\"assistant\",\"phase\":\"commentary\",\"content\":\"hm\"},{\"role\":\"assistant\",\"phase\":\"final_answer\",\"content\":\"four\"},{\"role\":\"user\",\"content\":\"again\"}]",
        "[{\"role\":\"assistant\",\"content\":\"hm\"},{\"role\":\"assistant\",\"content\":\"four\"},{\"role\":\"user\",\"content\":\"again\"}]"
      }
    };
    try (var gateway = gateway()) {
      for (String[] each : all) {
        for (boolean streamed : new boolean[] {false, true}) {
          try (var wire = gateway.wire()) {
            String input = each[0].replace("\"P\"", "\"" + picture + "\"");
            wire.post(
                PATH, "{\"model\":\"m\",\"stream\":%s,\"input\":%s}".formatted(streamed, input));
            Exchange call = upstream.take();
            assertThat(json(call.body()).path("messages"))
                .isEqualTo(json(each[1].replace("\"P\"", "\"" + picture + "\"")));
            JsonNode object =
                answered(wire, call, Chat.chunk("Ahoy"), Chat.answer("Ahoy"), streamed);
            assertThat(text(object)).isEqualTo("Ahoy");
          }
        }
      }
    }
  }

  @Test
  void aToolIsCalledAndAnswered() throws Exception {
    String tools =
        "\"tools\":[{\"type\":\"function\",\"name\":\"weather\",\"parameters\":{\"type\":\"object\"}}]";
    String called =
        "{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{}\"}}]}";
    String answer =
        Chat.answer("").replace("\"content\":\"\"", called.substring(1, called.length() - 1));
    try (var gateway = gateway()) {
      for (boolean streamed : new boolean[] {false, true}) {
        String body =
            "{\"model\":\"m\",\"stream\":%s,%s,\"input\":\"weather?\"}".formatted(streamed, tools);
        String id;
        try (var wire = gateway.wire()) {
          wire.post(PATH, body);
          Exchange call = upstream.take();
          assertThat(json(call.body()).at("/tools/0/function/name").asString())
              .isEqualTo("weather");
          JsonNode object = answered(wire, call, Chat.chunk(called, "null"), answer, streamed);
          id = object.path("id").asString();
          assertThat(object.at("/output/0/type").asString()).isEqualTo("function_call");
          assertThat(object.at("/output/0/name").asString()).isEqualTo("weather");
          assertThat(object.at("/output/0/call_id").asString()).isEqualTo("c1");
          assertThat(object.at("/output/0/arguments").asString()).isEqualTo("{}");
        }
        try (var wire = gateway.wire()) {
          wire.post(
              PATH,
              "{\"model\":\"m\",\"previous_response_id\":\"%s\",\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"20\"}]}"
                  .formatted(id));
          Exchange call = upstream.take();
          assertThat(json(call.body()).path("messages"))
              .isEqualTo(
                  json(
                      "[{\"role\":\"user\",\"content\":\"weather?\"},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"20\"}]"));
          assertThat(text(answered(wire, call, "", Chat.answer("warm"), false))).isEqualTo("warm");
        }
      }
    }
  }

  /// Answers a call, and returns the object that its caller gets.
  private static JsonNode answered(
      Wire wire, Exchange call, String chunk, String answer, boolean streamed) throws Exception {
    if (streamed) {
      call.stream();
      call.event(chunk);
      call.event(Chat.stop());
      call.event(Chat.usage());
      call.done();
    } else {
      call.json(200, answer);
    }
    assertThat(wire.status()).isEqualTo(200);
    if (!streamed) {
      return json(wire.rest());
    }
    String last = events(wire.rest(), 0).getLast();
    assertThat(last).startsWith("event: response.completed\n");
    return json(last.substring(last.indexOf("data: ") + 6)).path("response");
  }

  @Test
  void answers202WhereThatIsPreferred() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire()) {
      var answer = gateway.post(PATH, request("x"), "Prefer", "respond-async");
      assertThat(answer.statusCode()).isEqualTo(202);
      String id = json(answer.body()).path("id").asString();
      assertThat(header(answer, "location")).endsWith(PATH + "/" + id);
      say(upstream.take(), "a");
      ended(gateway, run(id));
      assertThat(text(get(gateway, id))).isEqualTo("a");

      wire.post(PATH, request("y"), "Prefer: respond-async, wait=0.05");
      assertThat(wire.status()).isEqualTo(202);
      String detached = json(wire.rest()).path("id").asString();
      say(upstream.take(), "b");
      ended(gateway, run(detached));
      assertThat(text(get(gateway, detached))).isEqualTo("b");
    }
  }

  @Test
  void theSameKeyIsTheSameAnswer() throws Exception {
    String[] key = {"Idempotency-Key", "order-17"};
    String id;
    try (var gateway = gateway()) {
      var first = gateway.post(PATH, request("x", "background:true"), key);
      id = json(first.body()).path("id").asString();
      upstream.take().json(200, Chat.answer("a"));
      ended(gateway, run(id));
      // The same key on another route is another key.
      assertThat(
              gateway
                  .chat(Chat.plain("x"), "Idempotency-Key", "order-17", "Prefer", "respond-async")
                  .statusCode())
          .isEqualTo(202);
    }
    try (var again = gateway()) {
      var replayed = again.post(PATH, request("x", "background:true"), key);
      assertThat(header(replayed, "idempotency-replayed")).isEqualTo("true");
      assertThat(json(replayed.body()).path("id").asString()).isEqualTo(id);
      assertThat(text(json(replayed.body()))).isEqualTo("a");
      assertThat(again.post(PATH, request("y"), key).statusCode()).isEqualTo(422);
    }
  }

  @Test
  void anSdksRetryAttachesAndIsKeptToo() throws Exception {
    String id;
    try (var gateway = gateway();
        var first = gateway.wire();
        var retry = gateway.wire()) {
      first.post(PATH, request("x"), "X-Stainless-Retry-Count: 0");
      Exchange call = upstream.take();
      retry.post(PATH, request("x"), "X-Stainless-Retry-Count: 1");
      Eventually.until(
          "the retry attaches",
          () -> gateway.get("/metrics").body().contains("attached_total{api=\"responses\"} 1"));
      call.json(200, Chat.answer("a"));
      assertThat(retry.status()).isEqualTo(200);
      JsonNode object = json(retry.rest());
      id = object.path("id").asString();
      assertThat(text(object)).isEqualTo("a");
      assertThat(first.status()).isEqualTo(200);
      assertThat(json(first.rest()).path("id").asString()).isNotEqualTo(id);
      assertThat(upstream.calls()).isEqualTo(1);
    }
    try (var again = gateway()) {
      assertThat(text(get(again, id))).isEqualTo("a");
    }
  }

  @Test
  void everyRecordedStreamIsTranscoded() throws Exception {
    try (var gateway = gateway()) {
      for (Path file : Recordings.streams()) {
        try (var wire = gateway.wire()) {
          wire.post(PATH, request(file.getFileName().toString(), "stream:true"));
          Exchange call = upstream.take();
          call.stream();
          call.chunk(Recordings.asSent(file));
          call.end();
          assertThat(wire.status()).isEqualTo(200);
          List<String> events = events(wire.rest(), 0);
          assertThat(events.getLast()).contains("event: response.completed\n");
          String last = events.getLast();
          JsonNode object = json(last.substring(last.indexOf("data: ") + 6)).path("response");
          assertThat(get(gateway, object.path("id").asString())).isEqualTo(object);
        }
      }
    }
  }
}
