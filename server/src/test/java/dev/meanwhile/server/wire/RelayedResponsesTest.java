package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.ended;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Recordings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The Responses API before an upstream that speaks it itself.
class RelayedResponsesTest {
  private static final String PATH = "/v1/responses";
  private static final String ANSWER =
      "{ \"id\":\"resp_theirs\", \"object\":\"response\", \"status\":\"completed\", \"made\":\"up\","
          + " \"output\":[{\"type\":\"message\",\"id\":\"msg_1\",\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}] }";

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private Gateway gateway() {
    return Gateway.configured(
        data, "upstreams: {only: {base-url: '%s', api: responses}}".formatted(upstream.url()));
  }

  private static String event(int number, String type, String members) {
    return "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%d,%s}\n\n"
        .formatted(type, type, number, members);
  }

  private static String object(String id, String status, String output) {
    return "\"response\":{\"id\":\"%s\",\"object\":\"response\",\"created_at\":5,\"status\":\"%s\",\"background\":false,\"model\":\"theirs\",\"output\":[%s]}"
        .formatted(id, status, output);
  }

  private static String item(String text) {
    return "{\"type\":\"message\",\"id\":\"msg_1\",\"content\":[{\"type\":\"output_text\",\"text\":\"%s\"}]}"
        .formatted(text);
  }

  /// What is said before the end: numbers 0 to 4.
  private static String beginning(String id) {
    return event(0, "response.created", object(id, "in_progress", ""))
        + event(1, "response.in_progress", object(id, "in_progress", ""))
        + event(
            2,
            "response.output_item.added",
            "\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"content\":[]}")
        + event(
            3,
            "response.content_part.added",
            "\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\"}")
        + event(
            4,
            "response.output_text.delta",
            "\"output_index\":0,\"content_index\":0,\"item_id\":\"msg_1\",\"delta\":\"on\"");
  }

  private static String rest(String id) {
    return event(5, "response.output_item.done", "\"output_index\":0,\"item\":" + item("one"))
        + event(6, "response.completed", object(id, "completed", item("one")));
  }

  private static JsonNode get(Gateway gateway, String id) throws Exception {
    var answer = gateway.get(PATH + "/" + id);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer.body());
  }

  private static String text(JsonNode object) {
    return object.at("/output/0/content/0/text").asString("");
  }

  @Test
  void relaysByteForByteAndKnowsTheAnswerByItsId() throws Exception {
    String run;
    try (var gateway = gateway();
        var wire = gateway.wire()) {
      String body = "{ \"model\":\"m\", \"input\":\"x\", \"conversation\":\"c\" }";
      wire.post(PATH + "?include=a", body);
      Exchange call = upstream.take();
      assertThat(call.line()).isEqualTo("POST /v1/responses?include=a HTTP/1.1");
      assertThat(call.body()).isEqualTo(body);
      call.json(200, ANSWER);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).isEqualTo(ANSWER);
      run = Objects.requireNonNull(wire.header("meanwhile-run"));
      assertThat(gateway.get(PATH + "/resp_theirs").body()).isEqualTo(ANSWER);
    }
    try (var again = gateway();
        var wire = again.wire()) {
      assertThat(again.get(PATH + "/resp_theirs").body()).isEqualTo(ANSWER);
      String ours = run.replace("run_", "resp_");
      JsonNode object = get(again, ours);
      assertThat(object.path("id").asString()).isEqualTo(ours);
      assertThat(object.path("made").asString()).isEqualTo("up");
      assertThat(text(object)).isEqualTo("hi");
      assertThat(json(again.get("/v1/runs/" + run).body()).path("text").asString()).isEqualTo("hi");
      assertThat(again.get(PATH + "/resp_theirs/input_items").body()).contains("\"text\":\"x\"");
      assertThat(
              json(again.post(PATH + "/resp_theirs/cancel", "").body()).path("status").asString())
          .isEqualTo("completed");
      wire.send(
          "DELETE "
              + PATH
              + "/resp_theirs HTTP/1.1\r\nHost: localhost\r\ncontent-length: 0\r\n\r\n");
      Exchange erased = upstream.take();
      assertThat(erased.line()).isEqualTo("DELETE /v1/responses/resp_theirs HTTP/1.1");
      erased.json(200, "{}");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("\"id\":\"resp_theirs\"", "\"deleted\":true");
      // From now on the upstream is asked.
      wire.get(PATH + "/resp_theirs");
      upstream.take().json(404, "{\"error\":{\"message\":\"gone\"}}");
      assertThat(wire.status()).isEqualTo(404);
      assertThat(wire.rest()).contains("gone");
    }
  }

  @Test
  void asksTheUpstreamForWhatItDoesNotKnow() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire()) {
      String unknown = PATH + "/resp_" + "0".repeat(26);
      wire.get(unknown + "/input_items?limit=2");
      Exchange asked = upstream.take();
      assertThat(asked.line()).contains("input_items?limit=2");
      asked.json(200, "{\"of\":\"theirs\"}");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).isEqualTo("{\"of\":\"theirs\"}");
      wire.post(unknown + "/cancel", "{\"a\":1}");
      Exchange cancelled = upstream.take();
      assertThat(cancelled.body()).isEqualTo("{\"a\":1}");
      cancelled.json(200, "{}");
      assertThat(wire.status()).isEqualTo(200);
      wire.rest();
      String body = "{\"model\":\"m\",\"input\":\"x\",\"previous_response_id\":\"resp_unknown\"}";
      wire.post(PATH, body);
      Exchange next = upstream.take();
      assertThat(next.body()).isEqualTo(body);
      next.json(400, "{\"error\":{\"message\":\"who\"}}");
      assertThat(wire.status()).isEqualTo(400);
      assertThat(wire.rest()).isEqualTo("{\"error\":{\"message\":\"who\"}}");
    }
  }

  @Test
  void streamsByteForByteAndResumesByTheirNumbers() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire()) {
      wire.post(PATH, "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}");
      Exchange call = upstream.take();
      call.stream();
      call.chunk(beginning("resp_theirs"));
      assertThat(wire.status()).isEqualTo(200);
      var seen = new StringBuilder(wire.event());
      Eventually.until("the text is there", () -> text(get(gateway, "resp_theirs")).equals("on"));
      assertThat(get(gateway, "resp_theirs").path("status").asString()).isEqualTo("in_progress");
      call.chunk(rest("resp_theirs"));
      call.end();
      seen.append(wire.rest());
      assertThat(seen).hasToString(beginning("resp_theirs") + rest("resp_theirs"));
      var resumed = gateway.get(PATH + "/resp_theirs?stream=true&starting_after=3");
      assertThat(resumed.body())
          .startsWith(
              ":\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,")
          .contains("\"id\":\"resp_theirs\"")
          .endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void tellsBackgroundWorkAsItsOwn() throws Exception {
    String id;
    List<String> whole;
    try (var gateway = gateway()) {
      var answer =
          gateway.post(
              PATH,
              "{\"model\":\"only/m\", \"background\":true, \"input\":\"x\", \"made\":\"up\"}");
      assertThat(answer.statusCode()).isEqualTo(200);
      JsonNode queued = json(answer.body());
      assertThat(queued.path("status").asString()).isEqualTo("queued");
      id = queued.path("id").asString();
      Exchange call = upstream.take();
      assertThat(call.body())
          .isEqualTo(
              "{\"stream\":true,\"model\":\"m\", \"background\":false, \"input\":\"x\", \"made\":\"up\"}");
      call.stream();
      call.chunk(beginning("resp_theirs"));
      Eventually.until("the text is there", () -> text(get(gateway, id)).equals("on"));
      call.chunk(rest("resp_theirs"));
      call.end();
      ended(gateway, id.replace("resp_", "run_"));
      whole = events(gateway, id, 0);
      assertThat(whole.get(1)).contains("event: response.queued\n");
      assertThat(whole.getLast())
          .contains("event: response.completed\n", "\"background\":true", "\"id\":\"" + id + "\"");
      assertThat(String.join("", whole)).doesNotContain("resp_theirs");
      JsonNode object = get(gateway, id);
      assertThat(object.path("model").asString()).isEqualTo("theirs");
      assertThat(object.path("background").asBoolean()).isTrue();
      assertThat(get(gateway, "resp_theirs").path("id").asString()).isEqualTo("resp_theirs");
    }
    try (var again = gateway();
        var wire = again.wire()) {
      for (int after = 0; after < whole.size(); after++) {
        assertThat(events(again, id, after + 1)).isEqualTo(whole.subList(after + 1, whole.size()));
      }
      wire.post(
          PATH, "{\"model\":\"m\",\"input\":\"x\", \"previous_response_id\": \"" + id + "\"}");
      Exchange next = upstream.take();
      assertThat(next.body())
          .isEqualTo(
              "{\"model\":\"m\",\"input\":\"x\", \"previous_response_id\": \"resp_theirs\"}");
      next.json(200, ANSWER);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).isEqualTo(ANSWER);
    }
  }

  /// The events from number `first` on, whose numbers are checked.
  private static List<String> events(Gateway gateway, String id, int first) throws Exception {
    String after = first == 0 ? "" : "&starting_after=" + (first - 1);
    String body = gateway.get(PATH + "/" + id + "?stream=true" + after).body();
    List<String> blocks = new ArrayList<>(List.of(body.split("\n\n")));
    blocks.removeIf(block -> block.startsWith(":"));
    assertThat(blocks.removeLast()).isEqualTo("data: [DONE]");
    for (int i = 0; i < blocks.size(); i++) {
      JsonNode event = json(blocks.get(i).substring(blocks.get(i).indexOf("data: ") + 6));
      assertThat(event.path("sequence_number").asInt(-1)).isEqualTo(first + i);
    }
    return blocks;
  }

  @Test
  void aPlainAnswerInTheBackgroundIsToldInEventsToo() throws Exception {
    try (var gateway = gateway()) {
      var answer = gateway.post(PATH, "{\"model\":\"m\",\"background\":true,\"input\":\"x\"}");
      String id = json(answer.body()).path("id").asString();
      upstream.take().json(200, ANSWER);
      ended(gateway, id.replace("resp_", "run_"));
      assertThat(String.join("", events(gateway, id, 0)))
          .contains("response.output_item.done", "response.completed");
      assertThat(text(get(gateway, id))).isEqualTo("hi");
    }
  }

  @Test
  void aStreamThatBreaksLooksBroken() throws Exception {
    try (var gateway = gateway();
        var wire = gateway.wire()) {
      wire.post(PATH, "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}");
      Exchange call = upstream.take();
      call.stream();
      call.chunk(beginning("resp_theirs"));
      assertThat(wire.status()).isEqualTo(200);
      call.cut();
      assertThat(wire.broken()).contains("event: error\n", "\"code\":\"upstream_cut\"");
      assertThat(get(gateway, "resp_theirs").path("status").asString()).isEqualTo("failed");
    }
  }

  @Test
  void anErrorThatTheUpstreamToldIsToldAgain() throws Exception {
    String told =
        event(5, "error", "\"code\":\"server_error\",\"message\":\"it broke\",\"param\":null");
    String failed =
        event(
            6,
            "response.failed",
            object("resp_theirs", "failed", "")
                .replace(
                    "[]", "[],\"error\":{\"code\":\"server_error\",\"message\":\"it broke\"}"));
    try (var gateway = gateway();
        var wire = gateway.wire()) {
      wire.post(PATH, "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}");
      Exchange call = upstream.take();
      call.stream();
      call.chunk(beginning("resp_theirs") + told + failed);
      call.end();
      assertThat(wire.status()).isEqualTo(200);
      wire.rest();
      assertThat(events(gateway, "resp_theirs", 4))
          .containsExactly(
              beginning("resp_theirs").split("\n\n", -1)[4], told.strip(), failed.strip());
      assertThat(get(gateway, "resp_theirs").at("/error/message").asString()).isEqualTo("it broke");
    }
  }

  @Test
  void everyRecordingIsRelayedByteForByte() throws Exception {
    try (var gateway = gateway()) {
      for (Path file : Recordings.responseStreams()) {
        for (String mark : List.of("", "data: [DONE]\n\n")) {
          String sent = asSent(file) + mark;
          try (var wire = gateway.wire()) {
            wire.post(PATH, "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}");
            Exchange call = upstream.take();
            call.stream();
            call.chunk(sent);
            call.end();
            assertThat(wire.status()).as("%s", file).isEqualTo(200);
            assertThat(wire.rest()).as("%s", file).isEqualTo(sent);
          }
        }
      }
      for (Path file : Recordings.responseAnswers()) {
        String sent = Files.readString(file);
        int status = sent.contains("\"object\"") ? 200 : 400;
        try (var wire = gateway.wire()) {
          wire.post(PATH, "{\"model\":\"m\",\"input\":\"x\"}");
          upstream.take().json(status, sent);
          assertThat(wire.status()).as("%s", file).isEqualTo(status);
          assertThat(wire.rest()).as("%s", file).isEqualTo(sent);
        }
      }
    }
  }

  /// One recording has events that are no JSON: they are relayed like all others.
  private static String asSent(Path file) throws Exception {
    var sent = new StringBuilder();
    for (String payload : Files.readAllLines(file)) {
      if (!payload.isBlank()) {
        sent.append("event: ").append(payload.split("\"", 5)[3]);
        sent.append("\ndata: ").append(payload).append("\n\n");
      }
    }
    return sent.toString();
  }
}
