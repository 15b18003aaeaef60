package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A run by its address: as it stands, at its end, as events, from anywhere.
class RunsTest {
  private final RawUpstream upstream = RawUpstream.start();
  private final Gateway gateway = Gateway.before(upstream);

  @AfterEach
  void close() {
    gateway.close();
    upstream.close();
  }

  /// A streamed call of which the caller has seen one event.
  private record Under(Wire wire, Exchange call, String path) implements Closeable {
    void say(String text) throws Exception {
      call.event(Chat.chunk(text));
      assertThat(wire.event()).contains(text);
    }

    void finish() throws Exception {
      call.event(Chat.stop());
      call.event(Chat.usage());
      call.done();
      wire.rest();
    }

    @Override
    public void close() throws IOException {
      wire.close();
    }
  }

  private Under underWay(String... headers) throws Exception {
    Wire wire = gateway.wire().chat(Chat.shared("x"), headers);
    Exchange call = upstream.take();
    call.stream();
    call.event(Chat.chunk("one "));
    assertThat(wire.status()).isEqualTo(200);
    assertThat(wire.event()).contains("one ");
    return new Under(wire, call, "/v1/runs/" + wire.header("meanwhile-run"));
  }

  private static JsonNode json(String text) {
    return new JsonMapper().readTree(text);
  }

  @Test
  void showsARunAsItStands() throws Exception {
    try (var run = underWay()) {
      var answer = gateway.get(run.path());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.headers().firstValue("vary").orElse("")).contains("Prefer");
      JsonNode snapshot = json(answer.body());
      assertThat(snapshot.propertyNames())
          .containsExactly(
              "id",
              "object",
              "status",
              "operation",
              "model",
              "created_at",
              "started_at",
              "completed_at",
              "budget",
              "attempt",
              "end",
              "text",
              "output",
              "usage",
              "error");
      assertThat(snapshot.path("id").asString()).isEqualTo(run.wire().header("meanwhile-run"));
      assertThat(snapshot.path("object").asString()).isEqualTo("run");
      assertThat(snapshot.path("status").asString()).isEqualTo("in_progress");
      assertThat(snapshot.path("model").asString()).isEqualTo("m");
      assertThat(snapshot.path("text").asString()).isEqualTo("one ");
      assertThat(snapshot.path("attempt").asInt()).isEqualTo(1);
      assertThat(snapshot.path("end").asInt()).isEqualTo(1);
      for (String none : new String[] {"operation", "completed_at", "output", "usage", "error"}) {
        assertThat(snapshot.path(none).isNull()).as(none).isTrue();
      }
      run.say("two");
      run.finish();
      JsonNode end = json(gateway.get(run.path()).body());
      assertThat(end.path("status").asString()).isEqualTo("completed");
      assertThat(end.path("text").asString()).isEqualTo("one two");
      assertThat(end.path("completed_at").isNumber()).isTrue();
      assertThat(end.path("output").path("object").asString()).isEqualTo("chat.completion");
      assertThat(end.path("output").path("choices").path(0).path("message").path("content"))
          .hasToString("\"one two\"");
      assertThat(end.path("usage").path("total_tokens").asInt()).isEqualTo(3);
    }
  }

  @Test
  void showsAFailedRun() throws Exception {
    try (var wire = gateway.wire().chat(Chat.plain("x"))) {
      upstream.take().json(429, "{\"error\":{\"message\":\"slow down\"}}");
      assertThat(wire.status()).isEqualTo(429);
      JsonNode snapshot = json(gateway.get("/v1/runs/" + wire.header("meanwhile-run")).body());
      assertThat(snapshot.path("status").asString()).isEqualTo("failed");
      assertThat(snapshot.path("error").path("status").asInt()).isEqualTo(429);
      assertThat(snapshot.path("error").path("code").asString()).isEqualTo("upstream_error");
    }
  }

  @Test
  void changesItsTagWithEveryEventAndAnswers304WhileItHolds() throws Exception {
    try (var run = underWay()) {
      String tag = gateway.get(run.path()).headers().firstValue("etag").orElseThrow();
      String id = Objects.requireNonNull(run.wire().header("meanwhile-run"));
      assertThat(tag).isEqualTo("\"" + id + "-1.1\"");
      for (String known : new String[] {tag, "W/" + tag, "\"other\", " + tag, "*"}) {
        var same = gateway.get(run.path(), "If-None-Match", known);
        assertThat(same.statusCode()).as(known).isEqualTo(304);
        assertThat(same.body()).isEmpty();
        assertThat(same.headers().firstValue("etag")).contains(tag);
      }
      run.say("two");
      assertThat(gateway.get(run.path(), "If-None-Match", tag).statusCode()).isEqualTo(200);
      String later = gateway.get(run.path()).headers().firstValue("etag").orElseThrow();
      assertThat(later).isEqualTo("\"" + id + "-1.2\"");
      run.finish();
      assertThat(gateway.get(run.path(), "If-None-Match", later).statusCode()).isEqualTo(200);
      String last = gateway.get(run.path()).headers().firstValue("etag").orElseThrow();
      assertThat(gateway.get(run.path(), "If-None-Match", last, "Prefer", "wait=30").statusCode())
          .as("at once, for it has ended")
          .isEqualTo(304);
    }
  }

  @Test
  void letsALongPollWaitForTheEnd() throws Exception {
    try (var run = underWay();
        var poll = gateway.wire();
        var withTag = gateway.wire()) {
      String tag = gateway.get(run.path()).headers().firstValue("etag").orElseThrow();
      poll.get(run.path(), "Prefer: wait=60");
      withTag.get(run.path(), "Prefer: respond-async, wait=60", "If-None-Match: " + tag);
      // Both are there, and a token does not wake them.
      Eventually.until("readers", () -> readers() == 1);
      run.say("two");
      run.finish();
      for (var each : List.of(poll, withTag)) {
        assertThat(each.status()).isEqualTo(200);
        assertThat(each.header("preference-applied")).isEqualTo("wait=60");
        JsonNode snapshot = json(each.rest());
        assertThat(snapshot.path("status").asString()).isEqualTo("completed");
        assertThat(snapshot.path("text").asString()).isEqualTo("one two");
      }
    }
  }

  private long readers() throws Exception {
    return gateway
        .get("/metrics")
        .body()
        .lines()
        .filter(it -> it.startsWith("meanwhile_open_streams"))
        .mapToLong(it -> (long) Double.parseDouble(it.substring(it.lastIndexOf(' ') + 1)))
        .sum();
  }

  @Test
  void answersALongPollWhenItsTimeIsUp() throws Exception {
    try (var run = underWay()) {
      String tag = gateway.get(run.path()).headers().firstValue("etag").orElseThrow();
      var unchanged = gateway.get(run.path(), "Prefer", "wait=0.2", "If-None-Match", tag);
      assertThat(unchanged.statusCode()).isEqualTo(304);
      assertThat(unchanged.headers().firstValue("preference-applied")).contains("wait=0.2");
      var changed = gateway.get(run.path(), "Prefer", "wait=0.2", "If-None-Match", "\"old\"");
      assertThat(changed.statusCode()).isEqualTo(200);
      assertThat(json(changed.body()).path("status").asString()).isEqualTo("in_progress");
    }
  }

  @Test
  void refusesAPreferenceThatIsNoNumber() throws Exception {
    try (var run = underWay()) {
      for (String wait : new String[] {"wait=soon", "wait=-1", "wait=", "wait=1e9"}) {
        var answer = gateway.get(run.path(), "Prefer", wait);
        assertThat(answer.statusCode()).as(wait).isEqualTo(400);
        assertThat(answer.headers().firstValue("content-type"))
            .contains("application/problem+json");
        JsonNode problem = json(answer.body());
        assertThat(problem.path("status").asInt()).isEqualTo(400);
        assertThat(problem.path("detail").asString()).isNotBlank();
        assertThat(problem.path("error").path("code").asString()).isEqualTo("invalid_prefer");
      }
      assertThat(gateway.get(run.path(), "Prefer", "handling=lenient").statusCode()).isEqualTo(200);
    }
  }

  private record Event(String id, String type, String data) {
    static Event of(String block) {
      String id = "";
      String type = "";
      String data = "";
      for (String line : block.split("\n", -1)) {
        if (line.startsWith("id: ")) {
          id = line.substring(4);
        } else if (line.startsWith("event: ")) {
          type = line.substring(7);
        } else if (line.startsWith("data: ")) {
          data = line.substring(6);
        }
      }
      return new Event(id, type, data);
    }
  }

  private List<Event> events(String path, String... headers) throws Exception {
    try (var wire = gateway.wire().get(path, with(headers, "Accept: text/event-stream"))) {
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("content-type")).isEqualTo("text/event-stream; charset=utf-8");
      var events = new ArrayList<Event>();
      for (String block = wire.event(); !block.isEmpty(); block = wire.event()) {
        events.add(Event.of(block));
      }
      return events;
    }
  }

  private static String[] with(String[] headers, String header) {
    var all = new ArrayList<>(List.of(headers));
    all.add(header);
    return all.toArray(String[]::new);
  }

  @Test
  void tellsARunAsEventsWhileItRuns() throws Exception {
    try (var run = underWay();
        var events = gateway.wire().get(run.path(), "Accept: text/event-stream")) {
      assertThat(events.status()).isEqualTo(200);
      assertThat(events.header("cache-control")).isEqualTo("no-cache, no-transform");
      assertThat(events.header("x-accel-buffering")).isEqualTo("no");
      assertThat(events.block()).startsWith("retry: 1000\n");
      assertThat(Event.of(events.event()))
          .isEqualTo(new Event("1.0", "status", "{\"status\":\"in_progress\",\"attempt\":1}"));
      assertThat(Event.of(events.event()))
          .isEqualTo(new Event("1.1", "delta", "{\"index\":0,\"text\":\"one \"}"));
      run.say("two");
      assertThat(Event.of(events.event()))
          .isEqualTo(new Event("1.2", "delta", "{\"index\":0,\"text\":\"two\"}"));
      run.finish();
      Event done = Event.of(events.event());
      assertThat(done.type()).isEqualTo("done");
      assertThat(done.id()).isEqualTo("1.6");
      JsonNode data = json(done.data());
      assertThat(data.path("status").asString()).isEqualTo("completed");
      assertThat(data.path("usage").path("total_tokens").asInt()).isEqualTo(3);
      assertThat(data.path("error").isNull()).isTrue();
      assertThat(events.event()).isEmpty();
    }
  }

  @Test
  void goesOnFromEveryPosition() throws Exception {
    try (var run = underWay()) {
      run.say("two ");
      // Three parts in one event of the log.
      run.call()
          .event(
              "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\",\"reasoning_content\":\"b\"}},"
                  + "{\"index\":1,\"delta\":{\"content\":\"c\"}}]}");
      run.finish();
      List<Event> all = events(run.path());
      assertThat(all).extracting(Event::type).startsWith("status", "delta").endsWith("done");
      assertThat(all).extracting(Event::id).doesNotHaveDuplicates();
      assertThat(all.stream().filter(it -> it.type().equals("delta"))).hasSize(5);
      for (int seen = 1; seen < all.size() - 1; seen++) {
        String id = all.get(seen).id();
        List<Event> rest = all.subList(seen + 1, all.size());
        assertThat(events(run.path(), "Last-Event-ID: " + id)).as(id).isEqualTo(rest);
        assertThat(events(run.path() + "?after=" + id.replace("+", "%2B"))).as(id).isEqualTo(rest);
        assertThat(events(run.path() + "?after=" + all.get(0).id(), "Last-Event-ID: " + id))
            .as("?after wins")
            .hasSizeGreaterThanOrEqualTo(all.size() - 1);
      }
      try (var wire =
          gateway
              .wire()
              .get(
                  run.path(),
                  "Accept: text/event-stream",
                  "Last-Event-ID: " + all.getLast().id())) {
        assertThat(wire.status()).as("after the end").isEqualTo(204);
      }
    }
  }

  /// Its last events were lost with a process, or have yet to come from another node.
  @Test
  void goesOnAfterAPlaceThatIsNotReachedYet() throws Exception {
    try (var run = underWay();
        var wire =
            gateway.wire().get(run.path(), "Accept: text/event-stream", "Last-Event-ID: 1.99")) {
      assertThat(wire.status()).isEqualTo(200);
      run.finish();
      assertThat(wire.rest()).doesNotContain("event: delta").contains("event: done");
    }
  }

  @Test
  void refusesPositionsThatAreNone() throws Exception {
    try (var run = underWay()) {
      for (String position :
          new String[] {"x", "1", "1.", ".1", "1.-1", "2.0", "0.0", "1.1.1", "9".repeat(40)}) {
        try (var wire =
            gateway
                .wire()
                .get(run.path(), "Accept: text/event-stream", "Last-Event-ID: " + position)) {
          assertThat(wire.status()).as(position).isEqualTo(400);
          assertThat(wire.header("content-type")).isEqualTo("application/problem+json");
          assertThat(json(wire.rest()).path("error").path("code").asString())
              .isEqualTo("invalid_position");
        }
      }
    }
  }

  @Test
  void pingsWhileNothingHappens() throws Exception {
    try (var quick = Gateway.before(upstream, "--heartbeat=50ms");
        var wire = quick.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("a"));
      assertThat(wire.status()).isEqualTo(200);
      String path = "/v1/runs/" + wire.header("meanwhile-run");
      try (var events = quick.wire().get(path, "Accept: text/event-stream")) {
        assertThat(events.status()).isEqualTo(200);
        Event event = Event.of(events.event());
        while (!event.type().equals("ping")) {
          event = Event.of(events.event());
        }
        assertThat(event.id()).as("a position to go on from").isEqualTo("1.1");
      }
    }
  }

  @Test
  void hidesARunFromOthers() throws Exception {
    try (var run = underWay("Authorization: Bearer one")) {
      assertThat(gateway.get(run.path(), "Authorization", "Bearer one").statusCode())
          .isEqualTo(200);
      for (String[] other :
          new String[][] {{}, {"Authorization", "Bearer two"}, {"api-key", "Bearer"}}) {
        var answer = gateway.get(run.path(), other);
        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(json(answer.body()).path("error").path("code").asString())
            .isEqualTo("run_not_found");
        assertThat(gateway.post(run.path() + "/cancel", "", other).statusCode()).isEqualTo(404);
      }
      assertThat(gateway.get("/v1/runs/run_nothing", "Authorization", "Bearer one").statusCode())
          .isEqualTo(404);
      run.say("two");
    }
  }

  @Test
  void refusesOtherMethods() throws Exception {
    try (var run = underWay()) {
      var answer = gateway.post(run.path(), "{}");
      assertThat(answer.statusCode()).isEqualTo(405);
      assertThat(answer.headers().firstValue("allow")).contains("GET, DELETE");
      var cancel = gateway.get(run.path() + "/cancel");
      assertThat(cancel.statusCode()).isEqualTo(405);
      assertThat(cancel.headers().firstValue("allow")).contains("POST");
    }
  }

  /// Copied out of a description, with the variable in it.
  @Test
  void knowsNoRunOfTheNameOfAVariable() throws Exception {
    try (var wire = gateway.wire()) {
      wire.send("GET /v1/runs/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assertThat(wire.status()).isEqualTo(404);
    }
  }

  @Test
  void forgetsARunSomeTimeAfterItsEnd() throws Exception {
    try (var brief = Gateway.before(upstream, "--keep=100ms");
        var wire = brief.wire().chat(Chat.plain("x"))) {
      upstream.take().json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
      String path = "/v1/runs/" + wire.header("meanwhile-run");
      Eventually.until("it is forgotten", () -> brief.get(path).statusCode() == 404);
      assertThat(brief.get(path).body()).contains("run_not_found");
    }
  }

  @Test
  void forgetsTheOldestRunsWhenTheyTakeTooManyBytes() throws Exception {
    try (var small = Gateway.before(upstream, "--keep-bytes=1MB", "--loops=1");
        var wire = small.wire()) {
      var paths = new ArrayList<String>();
      for (int i = 0; i < 4; i++) {
        wire.chat(Chat.plain("x" + i));
        upstream.take().json(200, Chat.answer("y".repeat(400_000)));
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).hasSizeGreaterThan(400_000);
        paths.add("/v1/runs/" + wire.header("meanwhile-run"));
      }
      assertThat(small.get(paths.getFirst()).statusCode()).isEqualTo(404);
      assertThat(small.get(paths.getLast()).statusCode()).isEqualTo(200);
    }
  }
}
