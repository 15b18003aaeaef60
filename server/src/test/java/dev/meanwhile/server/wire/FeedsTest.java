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
import dev.meanwhile.server.kit.Wire;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// A feed tells a page of its user's runs as their state changes.
class FeedsTest {
  private static final String CHANNEL = "user:42";
  private static final String FEED = "/v1/feeds/" + CHANNEL;
  private static final String[] BACKGROUND = {
    "Prefer", "respond-async", "Meanwhile-Channel", CHANNEL
  };
  private static final Pattern EVENT =
      Pattern.compile("id: (\\S+)\nevent: (\\S+)\ndata: (.*)\n\n$");

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private Gateway gateway(String... flags) {
    return Gateway.keeping(data, upstream, flags);
  }

  private record Event(String id, String type, JsonNode data) {
    static Event of(String block) {
      Matcher matcher = EVENT.matcher(block);
      assertThat(matcher.find()).as(block).isTrue();
      return new Event(matcher.group(1), matcher.group(2), json(matcher.group(3)));
    }

    String state() {
      return type.equals("status")
          ? data.path("title").asString() + " " + data.path("status").asString()
          : type;
    }
  }

  private static Wire open(Gateway gateway, String path, String... headers) throws Exception {
    Wire wire = gateway.wire().get(path, headers);
    assertThat(wire.status()).isEqualTo(200);
    assertThat(wire.header("content-type")).startsWith("text/event-stream");
    return wire;
  }

  private static Event next(Wire wire) throws Exception {
    return Event.of(wire.event());
  }

  private static String run(Gateway gateway, String title) throws Exception {
    var answer =
        gateway.chat(
            Chat.plain(title),
            "Prefer",
            "respond-async",
            "Meanwhile-Channel",
            CHANNEL,
            "Meanwhile-Title",
            title);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
    return header(answer, "meanwhile-run");
  }

  /// A whole run that was told of until its end.
  private String past(Gateway gateway, String title) throws Exception {
    String run = run(gateway, title);
    upstream.take().json(200, Chat.answer("a"));
    ended(gateway, run);
    return run;
  }

  /// Reads until a run has completed.
  private static List<Event> until(Wire wire, String last) throws Exception {
    var events = new ArrayList<Event>();
    do {
      events.add(next(wire));
      // As many signs of life, and nothing else, are a minute.
      assertThat(events).as(last).hasSizeLessThan(1_200);
    } while (!events.getLast().state().equals(last));
    return events;
  }

  @Test
  void tellsOfRunsAsTheirStateChanges() throws Exception {
    try (var gateway = gateway();
        var feed = open(gateway, FEED)) {
      String run = run(gateway, "one");
      Exchange call = upstream.take();
      List<Event> events = until(feed, "one in_progress");
      assertThat(events.getLast().data().propertyNames())
          .containsExactly("run", "title", "status", "created_at", "completed_at", "late");
      assertThat(events.getLast().data().path("run").asString()).isEqualTo(run);
      assertThat(events.getLast().data().path("completed_at").isNull()).isTrue();
      say(call, "a");
      Event end = next(feed);
      assertThat(end.state()).isEqualTo("one completed");
      assertThat(end.data().path("completed_at").isNumber()).isTrue();
      // Whoever is told of the end can read it.
      assertThat(json(gateway.get("/v1/runs/" + run).body()).path("status").asString())
          .isEqualTo("completed");
    }
  }

  @Test
  void resumesFromAnyEvent() throws Exception {
    try (var gateway = gateway()) {
      List<Event> all;
      try (var feed = open(gateway, FEED)) {
        past(gateway, "one");
        past(gateway, "two");
        past(gateway, "three");
        all = until(feed, "three completed");
      }
      List<String> ids = all.stream().map(Event::id).toList();
      assertThat(ids).doesNotHaveDuplicates();
      for (int i = 0; i < all.size(); i++) {
        // What has changed since, each run as it stands now.
        List<String> since =
            all.subList(i + 1, all.size()).stream()
                .map(Event::state)
                .filter(it -> it.endsWith("completed"))
                .toList();
        try (var feed = open(gateway, FEED, "Last-Event-ID: " + ids.get(i));
            var byQuery = open(gateway, FEED + "?after=" + ids.get(i), "Last-Event-ID: 0")) {
          for (String state : since) {
            assertThat(next(feed).state()).isEqualTo(state);
            assertThat(next(byQuery).state()).isEqualTo(state);
          }
        }
      }
    }
  }

  @Test
  void beginsAgainWhereItsReaderIsBehindOrUnknown() throws Exception {
    try (var gateway = gateway()) {
      String first = past(gateway, "one");
      String id;
      try (var feed = open(gateway, FEED)) {
        id = next(feed).id();
      }
      past(gateway, "two");
      assertThat(gateway.send(gateway.request("/v1/runs/" + first).DELETE().build()).statusCode())
          .isEqualTo(200);
      try (var feed = open(gateway, FEED, "Last-Event-ID: " + id)) {
        assertThat(next(feed).state()).as("it has seen what is gone").isEqualTo("two completed");
      }
      String born = id.substring(0, id.indexOf('.'));
      for (String unknown : List.of(born + ".1", born + ".999", "other.1", "x", "1.2.3")) {
        try (var feed = open(gateway, FEED, "Last-Event-ID: " + unknown)) {
          Event reset = next(feed);
          assertThat(reset.state()).as(unknown).isEqualTo("reset");
          assertThat(next(feed).state()).isEqualTo("two completed");
          // Whoever is cut off just now goes on after it.
          try (var again = open(gateway, FEED, "Last-Event-ID: " + reset.id())) {
            assertThat(next(again).state()).isEqualTo("two completed");
          }
        }
      }
    }
  }

  @Test
  void goesOnAfterARestart() throws Exception {
    String id;
    try (var gateway = gateway();
        var feed = open(gateway, FEED)) {
      past(gateway, "one");
      id = until(feed, "one completed").getLast().id();
      gateway.stop();
      // It ends properly: an EventSource comes back, with its id.
      assertThat(feed.rest()).isEmpty();
    }
    try (var gateway = gateway();
        var feed = open(gateway, FEED, "Last-Event-ID: " + id)) {
      past(gateway, "two");
      assertThat(until(feed, "two completed")).noneMatch(it -> it.state().equals("reset"));
    }
    try (var gateway = gateway();
        var feed = open(gateway, FEED)) {
      assertThat(next(feed).state()).isEqualTo("one completed");
      assertThat(next(feed).state()).isEqualTo("two completed");
    }
  }

  @Test
  void takesAnyCallThatMakesARun() throws Exception {
    try (var gateway = gateway();
        var feed = open(gateway, FEED)) {
      String[] header = {"Meanwhile-Channel: " + CHANNEL, "Authorization: Bearer sk-mine"};
      try (var mine = open(gateway, FEED, header[1])) {
        try (var wire = gateway.wire().chat(Chat.plain("x"), header)) {
          upstream.take().json(200, Chat.answer("a"));
          assertThat(wire.status()).isEqualTo(200);
        }
        assertThat(until(mine, "m completed")).isNotEmpty();
        try (var wire = gateway.wire().chat(Chat.streamed("y"), header)) {
          say(upstream.take(), "a");
          assertThat(wire.status()).isEqualTo(200);
          assertThat(wire.rest()).contains("[DONE]");
        }
        assertThat(until(mine, "m completed")).isNotEmpty();
        try (var wire =
            gateway.wire().post("/v1/embeddings", "{\"model\":\"e\",\"input\":\"x\"}", header)) {
          upstream.take().json(500, "{}");
          assertThat(wire.status()).isEqualTo(500);
        }
        assertThat(until(mine, "e failed")).isNotEmpty();
      }
      // Of another caller's runs it is told nothing.
      past(gateway, "own");
      assertThat(until(feed, "own completed"))
          .allMatch(it -> it.data().path("title").asString().equals("own"));
    }
  }

  @Test
  void tellsOfACancelledRun() throws Exception {
    try (var gateway = gateway();
        var feed = open(gateway, FEED)) {
      String run = run(gateway, "one");
      upstream.take();
      gateway.post("/v1/runs/" + run + "/cancel", "");
      assertThat(until(feed, "one cancelled")).isNotEmpty();
    }
  }

  @Test
  void showsATitle() throws Exception {
    try (var gateway = gateway();
        var feed = open(gateway, FEED)) {
      run(gateway, "Z%C3%BCrich%20%E2%86%92%20%E6%9D%B1%E4%BA%AC%20+%201");
      assertThat(next(feed).data().path("title").asString()).isEqualTo("Zürich → 東京 + 1");
      var answer = gateway.chat(Chat.plain("x").replace("\"m\"", "\"a\\u0000b\""), BACKGROUND);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
      Event next = next(feed);
      while (next.data().path("title").asString().startsWith("Z")) {
        next = next(feed);
      }
      assertThat(next.data().path("title").asString()).isEqualTo("a b");
    }
  }

  @Test
  void refusesWhatItDoesNotUnderstand() throws Exception {
    try (var gateway = gateway()) {
      for (String channel : List.of("a b", "x".repeat(129), "a/b", "ä", "a%20b", "*")) {
        var answer = gateway.chat(Chat.plain("x"), "Meanwhile-Channel", channel);
        assertThat(answer.statusCode()).as(channel).isEqualTo(400);
        FailuresTest.error(answer.body(), "invalid_channel");
      }
      for (String title : List.of("%", "%zz", "%0A", "x".repeat(201), "%20")) {
        var answer =
            gateway.chat(Chat.plain("x"), "Meanwhile-Channel", CHANNEL, "Meanwhile-Title", title);
        assertThat(answer.statusCode()).as(title).isEqualTo(400);
        FailuresTest.error(answer.body(), "invalid_title");
      }
      for (String path : List.of("a%20b", "a%2Fb", "%", "x".repeat(129))) {
        assertThat(gateway.get("/v1/feeds/" + path.replace("%", "%25")).statusCode())
            .as(path)
            .isEqualTo(400);
      }
      for (String path : List.of("", "/", "/a/b")) {
        assertThat(gateway.get("/v1/feeds" + path).statusCode()).as(path).isEqualTo(404);
      }
      assertThat(gateway.post(FEED, "").statusCode()).isEqualTo(405);
      assertThat(upstream.calls()).isZero();
    }
  }

  @Test
  void aChannelMayBeWrittenAsBrowsersEncodeIt() throws Exception {
    try (var gateway = gateway();
        var feed = open(gateway, "/v1/feeds/user%3A42")) {
      run(gateway, "one");
      assertThat(next(feed).data().path("title").asString()).isEqualTo("one");
    }
  }

  @Test
  void takesAStore() throws Exception {
    try (var gateway = Gateway.before(upstream)) {
      var answer = gateway.chat(Chat.plain("x"), "Meanwhile-Channel", CHANNEL);
      assertThat(answer.statusCode()).isEqualTo(503);
      FailuresTest.error(answer.body(), "no_store");
      FailuresTest.error(gateway.get(FEED).body(), "no_store");
    }
  }

  @Test
  void showsThatItLives() throws Exception {
    try (var gateway = gateway("--heartbeat=50ms");
        var feed = open(gateway, FEED)) {
      assertThat(feed.block()).isEqualTo("retry: 1000\n:\n\n");
      Event ping = next(feed);
      assertThat(ping.type()).isEqualTo("ping");
      assertThat(ping.id()).isEqualTo("0");
      past(gateway, "one");
      List<Event> events = new ArrayList<>(until(feed, "one completed"));
      events.add(next(feed));
      assertThat(events.getLast().type()).isEqualTo("ping");
      assertThat(events.getLast().id()).isEqualTo(events.get(events.size() - 2).id());
    }
  }

  @Test
  void isReadByASignedUrl() throws Exception {
    String yaml =
        """
        server: {cors: ['https://shop.example.com']}
        keys:
          - {tenant: shop, sha256: %s}
          - {tenant: bank, sha256: %s}
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        """
            .formatted(SafetyTest.sha256("mw-shop"), SafetyTest.sha256("mw-bank"), upstream.url());
    String[] shop = {"Authorization", "Bearer mw-shop"};
    try (var gateway = Gateway.configured(data, yaml)) {
      assertThat(gateway.get(FEED).statusCode()).isEqualTo(401);
      var refused = gateway.post(FEED + "/urls", "{\"allow\":\"cancel\"}", shop);
      assertThat(refused.statusCode()).isEqualTo(400);
      var signed = json(gateway.post(FEED + "/urls", "", shop).body());
      String url = signed.path("url").asString().replaceFirst("^http://[^/]+", "");
      assertThat(url).startsWith(FEED + "?signed=read.");
      try (var feed = open(gateway, url, "Origin: https://shop.example.com");
          var banks = open(gateway, FEED, "Authorization: Bearer mw-bank")) {
        assertThat(feed.header("access-control-allow-origin"))
            .isEqualTo("https://shop.example.com");
        for (String tenant : List.of("shop", "bank")) {
          gateway.chat(
              Chat.plain(tenant),
              "Authorization",
              "Bearer mw-" + tenant,
              "Prefer",
              "respond-async",
              "Meanwhile-Channel",
              CHANNEL,
              "Meanwhile-Title",
              tenant);
          upstream.take().json(200, Chat.answer("a"));
        }
        assertThat(until(feed, "shop completed")).allMatch(it -> it.state().startsWith("shop "));
        assertThat(until(banks, "bank completed")).allMatch(it -> it.state().startsWith("bank "));
      }
      String query = url.substring(url.indexOf('?'));
      for (String other : List.of("/v1/feeds/user:43" + query, url + "x", FEED + "?signed=x")) {
        var answer = gateway.get(other);
        assertThat(answer.statusCode()).as(other).isEqualTo(403);
        FailuresTest.error(answer.body(), "invalid_signature");
      }
      HttpRequest sign =
          gateway.request(FEED + "/urls" + query).POST(HttpRequest.BodyPublishers.noBody()).build();
      assertThat(gateway.send(sign).statusCode()).isEqualTo(403);
    }
  }

  @Test
  void aReaderThatLeavesIsForgotten() throws Exception {
    try (var gateway = gateway()) {
      open(gateway, FEED).close();
      Eventually.until(
          "no open streams",
          () -> gateway.get("/metrics").body().contains("meanwhile_open_streams 0.0"));
    }
  }
}
