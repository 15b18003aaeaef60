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
import dev.meanwhile.server.kit.SlowStore;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.jdbc.StoreSettings;
import dev.meanwhile.store.jdbc.Stores;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Two servers on one PostgreSQL: whichever is asked, a promised run is the same.
class TwoNodesTest {
  @TempDir private static Path directory;
  private static EmbeddedPostgres postgres;
  private static int databases;

  private final RawUpstream upstream = RawUpstream.start();
  private final String url;

  TwoNodesTest() throws SQLException {
    String name = "test_" + ++databases;
    try (Connection connection = postgres.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("create database " + name);
    }
    url = postgres.getJdbcUrl("postgres", name);
  }

  @BeforeAll
  static void startPostgres() throws IOException {
    postgres =
        EmbeddedPostgres.builder()
            .setDataDirectory(directory.resolve("postgres"))
            .setPGStartupWait(Duration.ofMinutes(1))
            .start();
  }

  @AfterAll
  static void stopPostgres() throws IOException {
    postgres.close();
  }

  @AfterEach
  void close() {
    upstream.close();
  }

  private Store store(String node) {
    var retention = new Store.Retention(Duration.ofDays(1), 1L << 30);
    // No slow machine makes it lose its lease.
    return Stores.of(
        new StoreSettings.InPostgres(url, null, null, node, retention, 1), Duration.ofHours(1));
  }

  private Gateway node(String name) {
    return Gateway.over(store(name), upstream);
  }

  private static void finish(Exchange call, String last) throws Exception {
    call.event(Chat.chunk(last));
    call.event(Chat.stop());
    call.event(Chat.usage());
    call.done();
  }

  @Test
  void aFeedShowsTheRunsOfBoth() throws Exception {
    try (var one = node("one");
        var two = node("two");
        var onOne = one.wire().get("/v1/feeds/user:1");
        var onTwo = two.wire().get("/v1/feeds/user:1")) {
      for (var feed : List.of(onOne, onTwo)) {
        assertThat(feed.status()).isEqualTo(200);
      }
      for (var node : List.of(one, two)) {
        String title = node == one ? "first" : "second";
        node.chat(
            Chat.plain(title),
            "Prefer",
            "respond-async",
            "Meanwhile-Channel",
            "user:1",
            "Meanwhile-Title",
            title);
        say(upstream.take(), "a");
        for (var feed : List.of(onOne, onTwo)) {
          String event = feed.event();
          while (!event.contains("completed\"")) {
            assertThat(event).contains("event: status").contains(title);
            event = feed.event();
          }
          assertThat(event).contains(title);
        }
      }
    }
  }

  @Test
  void readARunOfEachOther() throws Exception {
    try (var one = node("one");
        var two = node("two");
        var follower = two.wire();
        var poll = two.wire()) {
      String run = AsyncTest.accepted(one, Chat.plain("x"));
      String path = "/v1/runs/" + run;
      String monitor = "/v1/chat/completions/" + run;
      Exchange call = upstream.take();
      assertThat(two.get(path).statusCode()).isEqualTo(200);
      assertThat(two.get(monitor).statusCode()).isEqualTo(202);
      follower.get(path, "Accept: text/event-stream");
      assertThat(follower.status()).isEqualTo(200);
      poll.get(path, "Prefer: wait=60");
      call.stream();
      call.event(Chat.chunk("one "));
      assertThat(follower.event()).contains("event: status");
      assertThat(follower.event()).contains("one ");
      assertThat(json(two.get(path).body()).path("text").asString()).isEqualTo("one ");
      finish(call, "two");
      assertThat(follower.rest()).contains("two").contains("event: done").contains("completed");
      assertThat(poll.status()).isEqualTo(200);
      assertThat(json(poll.rest()).path("text").asString()).isEqualTo("one two");
      var mine = one.get(path);
      var others = two.get(path);
      assertThat(others.body()).isEqualTo(mine.body());
      assertThat(header(others, "etag")).isEqualTo(header(mine, "etag"));
      assertThat(two.get(monitor).body()).isEqualTo(one.get(monitor).body());
      String after = path + "?after=1.1";
      String[] events = {"Accept", "text/event-stream"};
      assertThat(two.get(after, events).body()).isEqualTo(one.get(after, events).body());
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  /// A reader has seen what the other node has not stored yet.
  @Test
  void letAReaderComeFromTheOther() throws Exception {
    try (var one = node("one");
        var two = node("two");
        var before = one.wire();
        var after = two.wire()) {
      String run = AsyncTest.accepted(one, Chat.plain("x"));
      Exchange call = upstream.take();
      call.stream();
      before.get("/v1/runs/" + run, "Accept: text/event-stream");
      assertThat(before.status()).isEqualTo(200);
      assertThat(before.event()).contains("event: status");
      String id = "";
      for (String word : new String[] {"one ", "two ", "three "}) {
        call.event(Chat.chunk(word));
        String event = before.event();
        assertThat(event).contains(word);
        id = event.lines().findFirst().orElseThrow().substring("id: ".length());
      }
      after.get("/v1/runs/" + run, "Accept: text/event-stream", "Last-Event-ID: " + id);
      assertThat(after.status()).isEqualTo(200);
      finish(call, "four");
      assertThat(after.event()).contains("four");
      assertThat(after.rest()).contains("event: done");
    }
  }

  private Gateway cachingNode(String name) {
    return Gateway.configured(
        store(name),
        """
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        operations:
          advice:
            deliver: sync
            model: m-1
            prompt: '{{text}}'
            cache: {max-age: 1h, tags: [shelf]}
        """
            .formatted(upstream.url()));
  }

  private static final String ADVICE = "/v1/operations/advice";
  private static final String TEXT = "{\"text\":\"x\"}";

  private static String advice(Gateway node) throws Exception {
    var answer = node.post(ADVICE, TEXT);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return header(answer, "cache-status") + " " + answer.body();
  }

  @Test
  void giveEachOthersAnswersAgainUntilOneIsToldToPurge() throws Exception {
    try (var one = cachingNode("one");
        var two = cachingNode("two")) {
      var first = later(() -> one.post(ADVICE, TEXT));
      upstream.take().json(200, Chat.answer("old"));
      assertThat(first.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
      // It is stored a moment after it is answered.
      Eventually.until("it is stored", () -> isStored(0));
      assertThat(advice(two)).contains("detail=STORE").contains("old");
      assertThat(advice(one)).doesNotContain("detail").contains("old");

      // A call that is under way on one node when the other is told to purge.
      var refill = later(() -> one.post(ADVICE, TEXT, "Cache-Control", "no-cache"));
      Exchange call = upstream.take();
      assertThat(two.post("/v1/cache/purge", "{\"tag\":\"shelf\"}").statusCode()).isEqualTo(200);
      call.json(200, Chat.answer("late"));
      assertThat(refill.get(30, TimeUnit.SECONDS).body()).contains("late");

      var made = later(() -> two.post(ADVICE, TEXT));
      upstream.take().json(200, Chat.answer("new"));
      assertThat(made.get(30, TimeUnit.SECONDS).body())
          .as("at once where it was purged")
          .contains("new");
      Eventually.until("it is stored", () -> isStored(1));
      // Soon after on the other node, which then finds what this one has.
      Eventually.until("the other node has heard", () -> advice(one).contains("new"));
      assertThat(upstream.calls()).isEqualTo(3);
    }
  }

  private boolean isStored(long stamp) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement();
        var rows = statement.executeQuery("select 1 from kept where stamp = " + stamp)) {
      return rows.next();
    }
  }

  @Test
  void stopARunOfEachOther() throws Exception {
    try (var one = node("one");
        var two = node("two")) {
      String run = AsyncTest.accepted(one, Chat.plain("x"));
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("part"));
      assertCancelled(two, run);
      call.awaitGone();
      assertThat(json(one.get("/v1/runs/" + run).body()).path("status").asString())
          .isEqualTo("cancelled");
    }
  }

  private static void assertCancelled(Gateway gateway, String run) throws Exception {
    var answer = gateway.post("/v1/runs/" + run + "/cancel", "");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(json(answer.body()).path("status").asString()).isEqualTo("cancelled");
  }

  @Test
  void eraseARunOfEachOther() throws Exception {
    try (var one = node("one");
        var two = node("two")) {
      String run = AsyncTest.accepted(one, Chat.plain("x"));
      Exchange call = upstream.take();
      var request = two.request("/v1/runs/" + run).DELETE().build();
      var early = two.send(request);
      assertThat(early.statusCode()).isEqualTo(400);
      FailuresTest.error(early.body(), "run_not_ended");
      say(call, "secret");
      assertThat(ended(one, run).path("text").asString()).isEqualTo("secret");
      assertThat(two.send(request).statusCode()).isEqualTo(200);
      assertThat(two.get("/v1/runs/" + run).statusCode()).isEqualTo(404);
      assertThat(one.get("/v1/runs/" + run).statusCode()).isEqualTo(404);
      assertThat(one.get("/v1/chat/completions/" + run).statusCode()).isEqualTo(404);
    }
  }

  /// It is this node's, but on its way to the loop that is to go on with it.
  @Test
  void stopARunThatIsOnItsWayFromTheStore() throws Exception {
    String run;
    try (var one = node("one")) {
      run = AsyncTest.accepted(one, Chat.plain("x"));
      upstream.take();
    }
    var store = new SlowStore(store("one"));
    store.holdClaims();
    try (var one = Gateway.over(store, upstream)) {
      Eventually.until("it is claimed", () -> store.waiting() == 1);
      try (var two = node("two")) {
        var cancelled = later(() -> two.post("/v1/runs/" + run + "/cancel", ""));
        Eventually.until("the owner has heard of it", () -> store.cancels() > 0);
        store.letGo();
        var answer = cancelled.get(30, TimeUnit.SECONDS);
        assertThat(json(answer.body()).path("status").asString()).isEqualTo("cancelled");
        assertThat(json(one.get("/v1/runs/" + run).body()).path("status").asString())
            .isEqualTo("cancelled");
        assertThat(upstream.calls()).isEqualTo(1);
      }
    }
  }

  private interface Asking {
    HttpResponse<String> ask() throws Exception;
  }

  private static CompletableFuture<HttpResponse<String>> later(Asking asking) {
    return CompletableFuture.supplyAsync(() -> {
      try {
        return asking.ask();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    });
  }

  @Test
  void acceptOneRunUnderOneKey() throws Exception {
    String[] async = {"Idempotency-Key", "order-17", "Prefer", "respond-async"};
    try (var one = node("one");
        var two = node("two")) {
      var first = later(() -> one.chat(Chat.plain("x"), async));
      var second = later(() -> two.chat(Chat.plain("x"), async));
      String run = header(first.get(30, TimeUnit.SECONDS), "meanwhile-run");
      assertThat(first.get().statusCode()).isEqualTo(202);
      assertThat(second.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(202);
      assertThat(header(second.get(), "meanwhile-run")).isEqualTo(run);
      var other = two.chat(Chat.plain("y"), async);
      assertThat(other.statusCode()).isEqualTo(422);
      FailuresTest.error(other.body(), "idempotency_key_reused");
      say(upstream.take(), "whole");
      JsonNode end = ended(two, run);
      assertThat(end.path("text").asString()).isEqualTo("whole");
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  @Test
  void answerEachOthersCallersUnderOneKey() throws Exception {
    String[] key = {"Idempotency-Key", "order-17"};
    try (var one = node("one");
        var two = node("two")) {
      var first = later(() -> one.chat(Chat.plain("x"), key));
      Exchange call = upstream.take();
      var second = later(() -> two.chat(Chat.plain("x"), key));
      call.json(200, Chat.answer("whole"));
      assertThat(first.get(30, TimeUnit.SECONDS).body()).isEqualTo(Chat.answer("whole"));
      assertThat(second.get(30, TimeUnit.SECONDS).body()).isEqualTo(Chat.answer("whole"));
      assertThat(header(second.get(), "idempotency-replayed")).isEqualTo("true");
      assertThat(header(second.get(), "meanwhile-run"))
          .isEqualTo(header(first.get(), "meanwhile-run"));
      assertThat(upstream.calls()).isEqualTo(1);
    }
  }

  /// An SDK gives up waiting, and its retry is sent to the other node. A server that stops ends at
  /// once what nobody is to have, so that this goes on is no matter of the grace.
  @Test
  void keepARunWhoseCallerCameBackToTheOther() throws Exception {
    String[] key = {"Idempotency-Key", "order-17"};
    try (var two = node("two")) {
      CompletableFuture<HttpResponse<String>> second;
      try (var one = node("one")) {
        try (var first = one.wire().chat(Chat.streamed("x"), "Idempotency-Key: order-17")) {
          assertThat(upstream.take().isGone()).isFalse();
          second = later(() -> two.chat(Chat.streamed("x"), key));
          Eventually.until(
              "it waits", () -> two.get("/metrics").body().contains("meanwhile_open_streams 1.0"));
          assertThat(first).isNotNull();
        }
      }
      say(upstream.take(), "whole");
      var answer = second.get(30, TimeUnit.SECONDS);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(answer.body()).contains("whole").endsWith("data: [DONE]\n\n");
    }
  }
}
