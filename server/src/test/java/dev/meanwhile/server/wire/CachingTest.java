package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.SlowStore;
import dev.meanwhile.server.kit.Wire;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Answers that are given again: by what they are found, and what is said of them.
class CachingTest {
  private static final String SHOP = "Bearer mw-shop";
  private static final String BANK = "Bearer mw-bank";
  private static final String SHOES = "{\"segment\":\"vip\",\"category\":\"shoes\"}";

  private final RawUpstream upstream = RawUpstream.start();
  private Gateway gateway;

  @BeforeEach
  void open() throws Exception {
    gateway =
        Gateway.configured(
            """
            keys:
              - {tenant: shop, sha256: %s}
              - {tenant: shop, sha256: %s}
              - {tenant: bank, sha256: %s}
              - {tenant: ops, sha256: %s, admin: true}
            upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
            operations:
              advice:
                deliver: sync
                model: m-1
                prompt: 'For {{segment}}: {{category}}'
                cache: {max-age: 1h, errors: 1m, tags: [shelf]}
              twin:
                deliver: sync
                model: m-1
                prompt: 'For {{segment}}: {{category}}'
                cache: {max-age: 1h, tags: [shelf]}
              counted:
                deliver: sync
                model: m-1
                prompt: 'For {{segment}} on {{day}}'
                cache: {max-age: 1h, key: [segment]}
              stale:
                deliver: sync
                model: m-1
                prompt: '{{text}}'
                cache: {max-age: 1ms, stale-while-revalidate: 1h}
              spare:
                deliver: sync
                model: m-1
                prompt: '{{text}}'
                budget: {total: 50ms}
                at-budget: stale
                cache: {max-age: 1ms, stale-if-error: 1h}
              broken:
                deliver: sync
                model: m-1
                prompt: '{{text}}'
                cache: {max-age: 1ms, stale-if-error: 1h}
              other: {deliver: sync, model: m-1, prompt: 'Sum up {{segment}}: {{text}}'}
              mine: {deliver: sync, cache: {max-age: 1h, share: user}}
              own: {deliver: sync, cache: {max-age: 1h}}
            """
                .formatted(
                    SafetyTest.sha256("mw-shop"),
                    SafetyTest.sha256("mw-shop-2"),
                    SafetyTest.sha256("mw-bank"),
                    SafetyTest.sha256("mw-ops"),
                    upstream.url()));
  }

  @AfterEach
  void close() {
    gateway.close();
    upstream.close();
  }

  private HttpResponse<String> as(String key, String path, String body, String... headers)
      throws Exception {
    var all = new ArrayList<>(List.of(headers));
    all.addAll(List.of("Authorization", key));
    return gateway.post(path, body, all.toArray(String[]::new));
  }

  private HttpResponse<String> call(String name, String input, String... headers) throws Exception {
    return as(SHOP, "/v1/operations/" + name, input, headers);
  }

  private Wire begin(String key, String path, String body, String... headers) throws Exception {
    var all = new ArrayList<>(List.of(headers));
    all.add("Authorization: " + key);
    return gateway.wire().post(path, body, all.toArray(String[]::new));
  }

  /// A call that the upstream is asked for; returns the id of its run.
  private String made(String key, String path, String body, String answer, String... headers)
      throws Exception {
    try (var wire = begin(key, path, body, headers)) {
      upstream.take().json(200, Chat.answer(answer));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).isEqualTo(Chat.answer(answer));
      assertThat(wire.header("cache-status")).startsWith("meanwhile; fwd=");
      assertThat(wire.header("age")).isNull();
      return String.valueOf(wire.header("meanwhile-run"));
    }
  }

  private String made(String name, String input, String answer) throws Exception {
    return made(SHOP, "/v1/operations/" + name, input, answer);
  }

  private static void assertHit(HttpResponse<String> answer, String text) {
    assertThat(header(answer, "cache-status")).startsWith("meanwhile; hit; ttl=");
    assertThat(answer.headers().firstValue("age")).isPresent();
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).contains(text);
  }

  private static void aged() throws Exception {
    long since = System.currentTimeMillis();
    Eventually.until("it is stale", () -> System.currentTimeMillis() > since + 2);
  }

  @Test
  void givesAnAnswerAgainWithItsAge() throws Exception {
    String run = made("advice", SHOES, "boots");
    var again = call("advice", SHOES);
    assertHit(again, "boots");
    assertThat(header(again, "meanwhile-run")).isEqualTo(run);
    assertThat(header(again, "cache-status"))
        .matches("meanwhile; hit; ttl=3[0-9]{3}; key=\"[0-9a-f]{64}\"");
    assertThat(header(again, "server-timing")).contains("cache;desc=hit");
    assertThat(upstream.calls()).isEqualTo(1);
    assertThat(gateway.get("/metrics", "Authorization", "Bearer mw-ops").body())
        .contains("meanwhile_cache_total{layer=\"memory\",operation=\"advice\",result=\"hit\"} 1")
        .contains("meanwhile_cache_total{layer=\"\",operation=\"advice\",result=\"miss\"} 1");
  }

  @Test
  void oneAnswerServesPlainAndStreamedCallers() throws Exception {
    made("advice", SHOES, "boots");
    var streamed = call("advice", SHOES, "Accept", "text/event-stream");
    assertHit(streamed, "boots");
    assertThat(header(streamed, "content-type")).startsWith("text/event-stream");
    assertThat(streamed.body()).endsWith("data: [DONE]\n\n");
    assertThat(upstream.calls()).isEqualTo(1);
  }

  @Test
  void whoDoesNotWaitHasAKeptAnswerAtOnce() throws Exception {
    made("advice", SHOES, "boots");
    assertHit(call("advice", SHOES, "Meanwhile-Budget", "5s"), "boots");
  }

  @Test
  void neverMixesTenantsOperationsOrInputs() throws Exception {
    made("advice", SHOES, "one");
    made(BANK, "/v1/operations/advice", SHOES, "two");
    made("twin", SHOES, "three");
    made("advice", "{\"segment\":\"vip\",\"category\":\"shoes \"}", "four");
    assertHit(call("advice", SHOES), "one");
    assertHit(as(BANK, "/v1/operations/advice", SHOES), "two");
    assertHit(call("twin", SHOES), "three");
  }

  @Test
  void countsTheVariablesOfItsKeyAlone() throws Exception {
    made("counted", "{\"segment\":\"vip\",\"day\":\"monday\"}", "one");
    assertHit(call("counted", "{\"segment\":\"vip\",\"day\":\"tuesday\"}"), "one");
    made("counted", "{\"segment\":\"new\",\"day\":\"monday\"}", "two");
  }

  @Test
  void theKeysOfATenantShareWhatItKeeps() throws Exception {
    made("advice", SHOES, "boots");
    assertHit(as("Bearer mw-shop-2", "/v1/operations/advice", SHOES), "boots");
  }

  @Test
  void variablesCountAloneOnlyWhereTheyAreAllThatIsAsked() throws Exception {
    String prompt = "{\"store\":false,\"prompt\":{\"id\":\"%s\",\"variables\":%s}%s}";
    String counted = prompt.formatted("counted", "{\"segment\":\"vip\",\"day\":\"%s\"}", "%s");
    // What an SDK asks so is what the operation asks.
    made("counted", "{\"segment\":\"vip\",\"day\":\"monday\"}", "one");
    assertHit(as(SHOP, "/v1/responses", counted.formatted("tuesday", "")), "one");
    // What it adds makes it another question.
    for (String more : List.of("\"input\":\"x\"", "\"input\":\"y\"", "\"temperature\":1")) {
      madeAsResponse(counted.formatted("monday", "," + more), more);
    }
    // Another operation's prompt under this one's policy.
    for (String text : List.of("x", "y")) {
      madeAsResponse(
          prompt.formatted("other", "{\"segment\":\"vip\",\"text\":\"" + text + "\"}", ""),
          text,
          "Meanwhile-Operation: counted");
    }
  }

  private void madeAsResponse(String body, String answer, String... headers) throws Exception {
    try (var wire = begin(SHOP, "/v1/responses", body, headers)) {
      upstream.take().json(200, Chat.answer(answer.replace('"', ' ')));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("cache-status")).startsWith("meanwhile; fwd=");
    }
  }

  @Test
  void whoIsCalledTheSameInAnotherWordIsAnother() throws Exception {
    String own = "/v1/chat/completions";
    String mine = "Meanwhile-Operation: mine";
    made(SHOP, own, Chat.plain("a", "\"user\":\"ann\""), "one", mine);
    made(SHOP, own, Chat.plain("a", "\"safety_identifier\":\"ann\""), "two", mine);
    // An empty name is none.
    made(SHOP, own, Chat.plain("a", "\"user\":\"\""), "nobody's", mine);
    made(SHOP, own, Chat.plain("a", "\"user\":\"\""), "nobody's", mine);
  }

  @Test
  void callsWithAQuestionOfTheirOwnAreKeptByIt() throws Exception {
    String own = "/v1/chat/completions";
    made(SHOP, own, Chat.plain("a"), "one", "Meanwhile-Operation: own");
    assertHit(as(SHOP, own, Chat.plain("a"), "Meanwhile-Operation", "own"), "one");
    made(SHOP, own, Chat.plain("b"), "two", "Meanwhile-Operation: own");
    String ann = Chat.plain("a", "\"user\":\"ann\"");
    made(SHOP, own, ann, "three", "Meanwhile-Operation: mine");
    assertHit(as(SHOP, own, ann, "Meanwhile-Operation", "mine"), "three");
    made(SHOP, own, Chat.plain("a", "\"user\":\"bob\""), "four", "Meanwhile-Operation: mine");
    made(SHOP, own, Chat.plain("a"), "five", "Meanwhile-Operation: mine");
    made(SHOP, own, Chat.plain("a"), "nobody's", "Meanwhile-Operation: mine");
  }

  @Test
  void callersAtOnceWaitForOneCall() throws Exception {
    var wires = new ArrayList<Wire>();
    for (int i = 0; i < 20; i++) {
      wires.add(begin(SHOP, "/v1/operations/advice", SHOES));
    }
    Exchange only = upstream.take();
    only.json(200, Chat.answer("boots"));
    for (Wire wire : wires) {
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("boots");
      wire.close();
    }
    assertThat(upstream.calls()).isEqualTo(1);
  }

  @Test
  void aStaleAnswerIsGivenWhileANewOneIsMade() throws Exception {
    made("stale", "{\"text\":\"x\"}", "old");
    aged();
    var stale = call("stale", "{\"text\":\"x\"}");
    assertHit(stale, "old");
    assertThat(header(stale, "cache-status")).contains("ttl=-");
    assertThat(header(stale, "server-timing")).contains("cache;desc=stale");
    upstream.take().json(200, Chat.answer("new"));
  }

  @Test
  void anUpstreamThatFailsIsReplacedByWhatThereIs() throws Exception {
    made("broken", "{\"text\":\"x\"}", "old");
    aged();
    for (String accept : List.of("application/json", "text/event-stream")) {
      try (var wire =
          begin(SHOP, "/v1/operations/broken", "{\"text\":\"x\"}", "Accept: " + accept)) {
        upstream.take().json(503, "{\"error\":{\"message\":\"down\"}}");
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.header("cache-status")).contains("; hit; ttl=-");
        assertThat(wire.rest()).contains("old");
      }
    }
    try (var wire = begin(SHOP, "/v1/operations/broken", "{\"text\":\"y\"}")) {
      upstream.take().json(503, "{\"error\":{\"message\":\"down\"}}");
      assertThat(wire.status()).isEqualTo(503);
    }
  }

  @Test
  void anAnswerThatIsLateIsReplacedByWhatThereIs() throws Exception {
    made("spare", "{\"text\":\"x\"}", "old");
    aged();
    try (var wire = begin(SHOP, "/v1/operations/spare", "{\"text\":\"x\"}")) {
      Exchange slow = upstream.take();
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("old");
      // The call goes on: its answer is wanted by the next.
      assertThat(slow.isGone()).isFalse();
      slow.json(200, Chat.answer("new"));
    }
    try (var wire = begin(SHOP, "/v1/operations/spare", "{\"text\":\"z\"}")) {
      // Nothing is kept of this: its caller waits.
      upstream.take().json(200, Chat.answer("late"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("late");
    }
  }

  @Test
  void aRefusalIsGivenAgainForAWhile() throws Exception {
    try (var wire = begin(SHOP, "/v1/operations/advice", SHOES)) {
      upstream.take().json(400, "{\"error\":{\"message\":\"no\"}}");
      assertThat(wire.status()).isEqualTo(400);
    }
    var again = call("advice", SHOES);
    assertThat(again.statusCode()).isEqualTo(400);
    assertThat(again.body()).isEqualTo("{\"error\":{\"message\":\"no\"}}");
    assertThat(upstream.calls()).isEqualTo(1);
  }

  @Test
  void honoursWhatARequestSays() throws Exception {
    made("advice", SHOES, "one");
    made(SHOP, "/v1/operations/advice", SHOES, "two", "Cache-Control: no-cache");
    assertHit(call("advice", SHOES), "two");
    made(SHOP, "/v1/operations/advice", SHOES, "three", "Cache-Control: no-store");
    assertHit(call("advice", SHOES, "Cache-Control", "max-age=600, only-if-cached"), "two");
    assertThat(
            call("advice", SHOES, "Cache-Control", "min-fresh=7200, only-if-cached").statusCode())
        .isEqualTo(504);
    var none = call("twin", SHOES, "Cache-Control", "only-if-cached");
    assertThat(none.statusCode()).isEqualTo(504);
    assertThat(json(none.body()).at("/error/code").asString()).isEqualTo("not_cached");
    var wrong = call("advice", SHOES, "Cache-Control", "max-age=soon");
    assertThat(wrong.statusCode()).isEqualTo(400);
    assertThat(json(wrong.body()).at("/error/code").asString()).isEqualTo("invalid_cache_control");
  }

  private String kept() {
    return """
    upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
    operations:
      advice:
        deliver: sync
        model: m-1
        prompt: 'For {{segment}}: {{category}}'
        cache: {max-age: 1h, errors: 1m, tags: [shelf]}
    """
        .formatted(upstream.url());
  }

  @Test
  void whatWasAnsweredIsGivenAgainAfterARestart(@TempDir Path data) throws Exception {
    String path = "/v1/operations/advice";
    String run;
    try (var before = Gateway.configured(data, kept());
        var wire = before.wire().post(path, SHOES)) {
      upstream.take().json(200, Chat.answer("boots"));
      assertThat(wire.status()).isEqualTo(200);
      run = String.valueOf(wire.header("meanwhile-run"));
    }
    try (var after = Gateway.configured(data, kept())) {
      var again = after.post(path, SHOES);
      assertHit(again, "boots");
      assertThat(header(again, "meanwhile-run")).isEqualTo(run);
      assertThat(header(again, "cache-status")).endsWith("; detail=STORE");
      assertThat(header(after.post(path, SHOES), "cache-status")).doesNotContain("detail");
      assertThat(after.get("/metrics").body())
          .contains("meanwhile_cache_total{layer=\"store\",operation=\"advice\",result=\"hit\"} 1")
          .contains(
              "meanwhile_cache_total{layer=\"memory\",operation=\"advice\",result=\"hit\"} 1");
      var streamed = after.post(path, SHOES, "Accept", "text/event-stream");
      assertThat(streamed.body()).contains("boots").endsWith("data: [DONE]\n\n");
      assertThat(after.post("/v1/cache/purge", "{\"tag\":\"shelf\"}").statusCode()).isEqualTo(200);
    }
    try (var purged = Gateway.configured(data, kept());
        var wire = purged.wire().post(path, SHOES)) {
      upstream.take().json(200, Chat.answer("sandals"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("sandals");
    }
    assertThat(upstream.calls()).isEqualTo(2);
  }

  @Test
  void aStoreInTroubleIsNoTroubleOfItsCallers(@TempDir Path data) throws Exception {
    String path = "/v1/operations/advice";
    var store = new SlowStore(Gateway.store(data));
    try (var troubled = Gateway.configured(store, kept())) {
      store.inTrouble("the disk is full");
      try (var wire = troubled.wire().post(path, SHOES)) {
        upstream.take().json(200, Chat.answer("boots"));
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).contains("boots");
      }
      assertHit(troubled.post(path, SHOES), "boots");
      var refused = troubled.post("/v1/cache/purge", "{\"tag\":\"shelf\"}");
      assertThat(refused.statusCode()).isEqualTo(503);
      FailuresTest.error(refused.body(), "store_unavailable");
    }
  }

  @Test
  void purges() throws Exception {
    made("advice", SHOES, "one");
    made("twin", SHOES, "two");
    purge(200, "{\"operation\":\"advice\"}");
    made("advice", SHOES, "three");
    assertHit(call("twin", SHOES), "two");
    purge(200, "{\"tag\":\"shelf\"}");
    made("twin", SHOES, "four");
    made("advice", SHOES, "five");
    String status = header(call("advice", SHOES), "cache-status");
    String key = status.substring(status.indexOf('"') + 1, status.lastIndexOf('"'));
    purge(200, "{\"key\":\"" + key + "\"}");
    made("advice", SHOES, "six");
    assertHit(call("twin", SHOES), "four");
    for (String wrong :
        List.of(
            "",
            "[]",
            "{}",
            "{\"tag\":1}",
            "{\"key\":\"xyz\"}",
            "{\"all\":\"x\"}",
            "{\"tag\":\"a\",\"key\":\"b\"}")) {
      purge(400, wrong);
    }
    purge(404, "{\"operation\":\"advise\"}");
    assertThat(as(SHOP, "/v1/cache/purge", "{\"tag\":\"shelf\"}").statusCode()).isEqualTo(403);
  }

  private void purge(int status, String body) throws Exception {
    assertThat(as("Bearer mw-ops", "/v1/cache/purge", body).statusCode())
        .as(body)
        .isEqualTo(status);
  }
}
