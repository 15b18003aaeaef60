package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Answers that are made before anyone asks.
class PrefetchingTest {
  private static final String SHOP = "Bearer mw-shop";
  private static final String BANK = "Bearer mw-bank";
  private static final List<String> SEGMENTS = List.of("vip", "regular", "new");
  private static final List<String> CATEGORIES = List.of("shoes", "books");

  private static final String OTHERS =
      """
        other: {deliver: sync, model: m-1, prompt: '{{text}}', cache: {max-age: 1h}}
        bare: {deliver: sync, model: m-1, prompt: '{{text}}'}
        mine: {deliver: sync, model: m-1, prompt: '{{text}}', cache: {max-age: 1h, share: user}}
        learner:
          deliver: sync
          model: m-1
          prompt: '{{text}}'
          cache: {max-age: 1h}
          prefetch: {learn: true, tokens-per-hour: 10k}
      """;

  /// Its latest time is not longer ago than its answers are fresh, and half a day from now, before
  /// and after.
  private static String nightly(String over) {
    return """
      recommendation:
        deliver: sync
        model: m-1
        prompt: 'Recommend {{category}} to {{segment}}'
        cache: {key: [segment, category], max-age: 480h}
        prefetch:
          over: %s
          at: '0 %d * * *'
          tenants: [shop]
    """
        .formatted(over, (LocalTime.now(ZoneId.systemDefault()).getHour() + 12) % 24);
  }

  private static final String OVER = "{segment: [vip, regular, new], category: [shoes, books]}";

  @TempDir private Path directory;

  private static String yaml(String url, int places, String operations) throws Exception {
    return """
    keys:
      - {tenant: shop, sha256: %s}
      - {tenant: bank, sha256: %s}
      - {tenant: ops, sha256: %s, admin: true}
    upstreams: {only: {base-url: '%s', api-key: 'up-secret', max-background: %d}}
    operations:
    %s
    """
        .formatted(
            SafetyTest.sha256("mw-shop"),
            SafetyTest.sha256("mw-bank"),
            SafetyTest.sha256("mw-ops"),
            url,
            places,
            operations);
  }

  private static void answer(Exchange exchange) throws IOException {
    exchange.stream();
    exchange.event(Chat.chunk("ten"));
    exchange.event(Chat.stop());
    exchange.event(Chat.usage());
    exchange.done();
  }

  private static String input(String segment, String category) {
    return "{\"category\":\"%s\",\"segment\":\"%s\"}".formatted(category, segment);
  }

  private static HttpResponse<String> call(Gateway gateway, String key, String name, String input)
      throws Exception {
    return gateway.post("/v1/operations/" + name, input, "Authorization", key);
  }

  private static JsonNode explain(Gateway gateway, String name) throws Exception {
    var answer = gateway.get("/v1/operations/" + name + "/prefetch", "Authorization", SHOP);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer.body());
  }

  private static void untilSwept(Gateway gateway) throws Exception {
    Eventually.until(
        "all is made",
        () -> {
          JsonNode sweep = explain(gateway, "recommendation").get("sweep");
          return !sweep.isNull() && !sweep.get("ended_at").isNull();
        });
  }

  private static void assertHits(Gateway gateway) throws Exception {
    for (String segment : SEGMENTS) {
      for (String category : CATEGORIES) {
        var hit = call(gateway, SHOP, "recommendation", input(segment, category));
        assertThat(hit.statusCode()).isEqualTo(200);
        assertThat(header(hit, "cache-status")).startsWith("meanwhile; hit; ttl=");
        assertThat(hit.body()).contains("\"content\":\"ten\"");
      }
    }
  }

  @Test
  void whatIsDeclaredIsThereForTheFirstWhoAsks() throws Exception {
    try (var upstream = RawUpstream.start(PrefetchingTest::answer);
        var gateway = Gateway.configured(yaml(upstream.url(), 16, nightly(OVER)))) {
      untilSwept(gateway);
      assertThat(upstream.calls()).isEqualTo(6);
      assertHits(gateway);
      assertThat(upstream.calls()).isEqualTo(6);
      var streamed =
          gateway.post(
              "/v1/operations/recommendation",
              input("vip", "shoes"),
              "Authorization",
              SHOP,
              "Accept",
              "text/event-stream");
      assertThat(header(streamed, "cache-status")).startsWith("meanwhile; hit; ttl=");
      assertThat(streamed.body()).contains("ten").endsWith("data: [DONE]\n\n");
      var others = call(gateway, BANK, "recommendation", input("vip", "shoes"));
      assertThat(header(others, "cache-status")).startsWith("meanwhile; fwd=uri-miss");

      JsonNode told = explain(gateway, "recommendation");
      assertThat(told.at("/sweep/total").asInt()).isEqualTo(6);
      assertThat(told.at("/sweep/made").asInt()).isEqualTo(6);
      assertThat(told.at("/sweep/left").asInt()).isZero();
      assertThat(told.get("next_at").asLong()).isGreaterThan(told.at("/sweep/ended_at").asLong());
      assertThat(told.get("prefetched").asInt()).isEqualTo(6);
      assertThat(told.get("read").asInt()).isEqualTo(6);
      assertThat(told.get("reads").asInt()).isEqualTo(8);
      assertThat(told.get("hits").asInt()).isEqualTo(7);
      assertThat(told.get("hit_ratio").asDouble()).isEqualTo(0.875);
      assertThat(told.get("waste_ratio").asDouble()).isZero();
      assertThat(told.get("tokens").asInt()).isEqualTo(6 * 3);
      assertThat(told.get("latest").size()).isEqualTo(6);
      assertThat(told.at("/latest/0/why").asString()).isEqualTo("declared");
      assertThat(told.at("/latest/0/key/segment").asString()).isEqualTo("vip");
      var theirs = gateway.get("/v1/operations/recommendation/prefetch", "Authorization", BANK);
      assertThat(json(theirs.body()).get("latest").size()).as("what others ask").isZero();
      assertThat(theirs.body()).doesNotContain("Recommend");
    }
  }

  @Test
  void aThousandWhoAskAtOnceAreOneCall() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.configured(yaml(upstream.url(), 2, nightly(OVER)))) {
      // One of the two places is for what nobody has asked for: the rest of it waits.
      Exchange first = upstream.take();
      var wires = new ArrayList<Wire>();
      try {
        for (int i = 0; i < 1_000; i++) {
          wires.add(
              gateway
                  .wire()
                  .post(
                      "/v1/operations/recommendation",
                      input("new", "books"),
                      "Authorization: " + SHOP));
        }
        Exchange lifted = upstream.take();
        assertThat(lifted.body()).as("who asks does not wait in line").contains("books to new");
        answer(lifted);
        for (Wire wire : wires) {
          assertThat(wire.status()).isEqualTo(200);
          assertThat(wire.rest()).contains("ten");
        }
      } finally {
        for (Wire wire : wires) {
          wire.close();
        }
      }
      assertThat(upstream.calls()).as("and the one that was under way").isEqualTo(2);
      answer(first);
      for (int i = 0; i < 4; i++) {
        answer(upstream.take());
      }
      untilSwept(gateway);
      assertThat(upstream.calls()).isEqualTo(6);
      assertHits(gateway);
    }
  }

  @Test
  void whatWasLeftIsMadeAfterARestart() throws Exception {
    var made = new ConcurrentHashMap<String, Integer>();
    try (var upstream = RawUpstream.start()) {
      String yaml = yaml(upstream.url(), 2, nightly(OVER));
      try (var gateway = Gateway.configured(directory, yaml)) {
        answer(upstream.take());
        Exchange second = upstream.take();
        gateway.stop();
        second.awaitGone();
      }
      Thread.ofVirtual()
          .start(() -> {
            try {
              for (int i = 0; i < 6; i++) {
                Exchange each = upstream.take();
                made.merge(each.body(), 1, Integer::sum);
                answer(each);
              }
            } catch (IOException | RuntimeException _) {
              // Fewer came.
            }
          });
      try (var gateway = Gateway.configured(directory, yaml)) {
        untilSwept(gateway);
        assertHits(gateway);
        assertThat(made.values()).containsOnly(1);
      }
    }
  }

  @Test
  void aReloadMakesWhatIsNewAlone() throws Exception {
    try (var upstream = RawUpstream.start(PrefetchingTest::answer)) {
      Path file = directory.resolve("m.yaml");
      Files.writeString(file, yaml(upstream.url(), 16, nightly(OVER)));
      try (var gateway = Gateway.reloading(directory, file)) {
        untilSwept(gateway);
        Files.writeString(
            file, yaml(upstream.url(), 16, nightly(OVER.replace("books", "books, toys"))));
        assertThat(gateway.post("/v1/reload", "", "Authorization", "Bearer mw-ops").statusCode())
            .isEqualTo(200);
        Eventually.until(
            "the new one is made",
            () -> explain(gateway, "recommendation").at("/sweep/made").asInt() == 3);
        untilSwept(gateway);
        assertThat(explain(gateway, "recommendation").at("/sweep/kept").asInt()).isEqualTo(6);
        assertThat(upstream.calls()).isEqualTo(9);
        Files.writeString(file, yaml(upstream.url(), 16, OTHERS));
        assertThat(gateway.post("/v1/reload", "", "Authorization", "Bearer mw-ops").statusCode())
            .isEqualTo(200);
        Eventually.until(
            "there is none any more",
            () ->
                gateway
                        .get("/v1/operations/recommendation/prefetch", "Authorization", SHOP)
                        .statusCode()
                    == 404);
      }
    }
  }

  @Test
  void valuesComeFromAFile() throws Exception {
    Path file = directory.resolve("m.yaml");
    Path csv = directory.resolve("pairs.csv");
    Files.writeString(csv, "category,segment,note\r\nshoes,vip,\"a, b\"\r\n\"books\",new,\r\n");
    try (var upstream = RawUpstream.start(PrefetchingTest::answer)) {
      Files.writeString(file, yaml(upstream.url(), 16, nightly("pairs.csv")));
      try (var gateway = Gateway.reloading(directory, file)) {
        untilSwept(gateway);
        assertThat(upstream.calls()).isEqualTo(2);
        assertThat(
                header(
                    call(gateway, SHOP, "recommendation", input("new", "books")), "cache-status"))
            .startsWith("meanwhile; hit");
        Files.writeString(csv, "category,segment\nshoes,vip\ntoys,new\n");
        assertThat(gateway.post("/v1/reload", "", "Authorization", "Bearer mw-ops").statusCode())
            .isEqualTo(200);
        Eventually.until(
            "the new row is made",
            () -> explain(gateway, "recommendation").at("/sweep/made").asInt() == 1);
      }
    }
  }

  @Test
  void valuesComeFromAnAddress() throws Exception {
    String rows = "{\"segment\":\"vip\",\"category\":\"shoes\"}\n";
    try (var upstream = RawUpstream.start(PrefetchingTest::answer);
        var shop = RawUpstream.start(exchange -> exchange.json(200, rows));
        var gateway =
            Gateway.configured(
                yaml(
                    upstream.url(),
                    16,
                    nightly("'http://127.0.0.1:%d/pairs?key=secret'".formatted(shop.port()))))) {
      untilSwept(gateway);
      assertThat(upstream.calls()).isEqualTo(1);
      assertThat(
              header(call(gateway, SHOP, "recommendation", input("vip", "shoes")), "cache-status"))
          .startsWith("meanwhile; hit");
      assertThat(shop.take().header("authorization")).isNull();
    }
    try (var shop = RawUpstream.start(exchange -> exchange.json(500, "no"));
        var gateway =
            Gateway.configured(
                yaml(
                    shop.url(),
                    16,
                    nightly("'http://127.0.0.1:%d/pairs?key=secret'".formatted(shop.port()))))) {
      Eventually.until(
          "it is told", () -> !explain(gateway, "recommendation").get("sweep").isNull());
      assertThat(explain(gateway, "recommendation").at("/sweep/trouble").asString())
          .startsWith("127.0.0.1: it answered 500")
          .doesNotContain("secret");
    }
  }

  @Test
  void warmsWhatItsCallerKnows() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.configured(yaml(upstream.url(), 16, OTHERS))) {
      var warmed = warm(gateway, "other", "{\"variables\":[{\"text\":\"a\"},{\"text\":\"b\"}]}");
      assertThat(warmed.statusCode()).isEqualTo(202);
      assertThat(warmed.body()).isEqualTo("{\"object\":\"warm\",\"kept\":0,\"making\":2}");
      Exchange a = upstream.take();
      Exchange b = upstream.take();
      assertThat(a.header("authorization")).isEqualTo("Bearer up-secret");
      assertThat(warm(gateway, "other", "{\"variables\":{\"text\":\"a\"}}").statusCode())
          .as("under way")
          .isEqualTo(202);
      answer(a);
      answer(b);
      Eventually.until(
          "both are kept",
          () ->
              warm(gateway, "other", "{\"variables\":[{\"text\":\"a\"},{\"text\":\"b\"}]}")
                      .statusCode()
                  == 200);
      var hit = call(gateway, SHOP, "other", "{\"text\":\"b\"}");
      assertThat(header(hit, "cache-status")).startsWith("meanwhile; hit");
      assertThat(upstream.calls()).isEqualTo(2);
      try (var wire =
          gateway
              .wire()
              .post("/v1/operations/other", "{\"text\":\"b\"}", "Authorization: " + BANK)) {
        // Another tenant's.
        upstream.take().json(200, Chat.answer("eleven"));
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).contains("eleven");
      }
    }
  }

  private static HttpResponse<String> warm(Gateway gateway, String name, String body)
      throws Exception {
    return gateway.post("/v1/operations/" + name + "/warm", body, "Authorization", SHOP);
  }

  @Test
  void tellsWhatIsWrongWithAWarmUp() throws Exception {
    try (var upstream = RawUpstream.start();
        var gateway = Gateway.configured(yaml(upstream.url(), 16, OTHERS))) {
      String many = "{\"variables\":[" + "{\"text\":\"x\"},".repeat(100) + "{\"text\":\"x\"}]}";
      for (Map.Entry<String, String> wrong :
          Map.of(
                  "",
                  "invalid_warm",
                  "[]",
                  "invalid_warm",
                  "{}",
                  "invalid_warm",
                  "{\"variables\":[]}",
                  "invalid_warm",
                  "{\"variables\":[1]}",
                  "invalid_json",
                  "{\"variables\":\"x\"}",
                  "invalid_warm",
                  "{\"variables\":{\"text\":\"x\"",
                  "invalid_warm",
                  "{\"variables\":[{\"text\":\"x\"},{}]}",
                  "missing_variable",
                  "{\"variables\":{\"text\":\"x\",\"more\":1}}",
                  "unknown_variable",
                  many,
                  "too_many_inputs")
              .entrySet()) {
        assertRefused(warm(gateway, "other", wrong.getKey()), 400, wrong.getValue());
      }
      assertRefused(
          warm(gateway, "bare", "{\"variables\":{\"text\":\"x\"}}"),
          400,
          "operation_without_cache");
      assertRefused(
          warm(gateway, "mine", "{\"variables\":{\"text\":\"x\"}}"),
          400,
          "operation_without_cache");
      assertRefused(warm(gateway, "othr", "{}"), 404, "operation_not_found");
      assertRefused(
          gateway.get("/v1/operations/other/prefetch", "Authorization", SHOP), 404, "no_prefetch");
      assertRefused(
          gateway.get("/v1/operations/othr/prefetch", "Authorization", SHOP),
          404,
          "operation_not_found");
      assertThat(gateway.get("/v1/operations/other/prefetch").statusCode()).isEqualTo(401);
      assertThat(gateway.post("/v1/operations/other/warm", "{}").statusCode()).isEqualTo(401);
      assertThat(upstream.calls()).isZero();
    }
    try (var upstream = RawUpstream.start();
        var gateway =
            Gateway.configured(
                """
                upstreams: {only: {base-url: '%s'}}
                operations:
                  other: {deliver: sync, model: m-1, prompt: '{{text}}', cache: {max-age: 1h}}
                """
                    .formatted(upstream.url()))) {
      assertRefused(
          warm(gateway, "other", "{\"variables\":{\"text\":\"x\"}}"), 400, "upstream_key_required");
      // Without a credential nothing is borrowed.
      assertThat(
              gateway
                  .post("/v1/operations/other/warm", "{\"variables\":{\"text\":\"x\"}}")
                  .statusCode())
          .isEqualTo(202);
      assertThat(upstream.take().header("authorization")).isNull();
    }
  }

  private static void assertRefused(HttpResponse<String> answer, int status, String code) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(json(answer.body()).at("/error/code").asString()).isEqualTo(code);
  }

  @Test
  void learnsFromWhatIsAsked() throws Exception {
    try (var upstream = RawUpstream.start(exchange -> exchange.json(200, Chat.answer("ten")));
        var gateway = Gateway.configured(yaml(upstream.url(), 16, OTHERS), "--loops=2")) {
      call(gateway, SHOP, "learner", "{\"text\":\"x\"}");
      call(gateway, SHOP, "learner", "{\"text\":\"x\"}");
      call(gateway, BANK, "learner", "{\"text\":\"x\"}");
      call(gateway, SHOP, "other", "{\"text\":\"x\"}");
      Eventually.until("all was told", () -> explain(gateway, "learner").get("reads").asInt() == 3);
      JsonNode told = explain(gateway, "learner");
      assertThat(told.get("learns").asBoolean()).isTrue();
      assertThat(told.get("sweep").isNull()).isTrue();
      assertThat(told.get("hits").asInt()).isEqualTo(1);
      assertThat(told.get("keys").asInt()).as("tenants ask for themselves").isEqualTo(2);
      assertThat(told.get("prefetched").asInt()).isZero();
    }
  }
}
