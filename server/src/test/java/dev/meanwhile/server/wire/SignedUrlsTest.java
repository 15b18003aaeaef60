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
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// A browser reads one run by its signed URL, without a key.
class SignedUrlsTest {
  private static final String[] SHOP = {"Authorization", "Bearer mw-shop"};
  private static final String ORIGIN = "https://shop.example.com";

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  private Gateway keyed(String... flags) throws Exception {
    return Gateway.configured(
        """
        keys:
          - {tenant: shop, sha256: %s}
          - {tenant: bank, sha256: %s}
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        """
            .formatted(SafetyTest.sha256("mw-shop"), SafetyTest.sha256("mw-bank"), upstream.url()),
        flags);
  }

  /// A streamed call that is under way.
  private record Under(Wire wire, Exchange call, String path) {
    void finish() throws Exception {
      call.event(Chat.stop());
      call.done();
      wire.rest();
      wire.close();
    }
  }

  private Under underWay(Gateway gateway, String... headers) throws Exception {
    Wire wire = gateway.wire().chat(Chat.streamed("x"), headers);
    Exchange call = upstream.take();
    call.stream();
    call.event(Chat.chunk("one"));
    assertThat(wire.status()).isEqualTo(200);
    wire.event();
    return new Under(wire, call, "/v1/runs/" + wire.header("meanwhile-run"));
  }

  private Under shops(Gateway gateway) throws Exception {
    return underWay(gateway, "Authorization: Bearer mw-shop");
  }

  private static JsonNode sign(Gateway gateway, String path, String body, String... headers)
      throws Exception {
    var answer = gateway.post(path + "/urls", body, headers);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer.body());
  }

  private static String url(JsonNode signed) {
    return signed.path("url").asString().replaceFirst("^http://[^/]+", "");
  }

  private static void refused(HttpResponse<String> answer, int status, String code) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    FailuresTest.error(answer.body(), code);
  }

  @Test
  void readsOneRunInEveryWayWithoutAKey() throws Exception {
    try (var gateway = keyed()) {
      Under run = shops(gateway);
      JsonNode signed = sign(gateway, run.path(), "", SHOP);
      assertThat(signed.propertyNames()).containsExactly("object", "url", "allow", "expires_at");
      assertThat(signed.path("allow").asString()).isEqualTo("read");
      long left = signed.path("expires_at").asLong() - System.currentTimeMillis() / 1_000;
      assertThat(left).isBetween(3_500L, 3_600L);
      String url = url(signed);
      assertThat(url).startsWith(run.path() + "?signed=read.");

      var snapshot = gateway.get(url);
      assertThat(snapshot.statusCode()).isEqualTo(200);
      assertThat(json(snapshot.body()).path("status").asString()).isEqualTo("in_progress");
      String last;
      try (var events = gateway.wire().get(url, "Accept: text/event-stream")) {
        assertThat(events.status()).isEqualTo(200);
        assertThat(events.event()).contains("event: status");
        run.finish();
        String rest = events.rest();
        assertThat(rest).contains("event: done");
        last = rest.substring(rest.lastIndexOf("id: ") + 4).lines().findFirst().orElseThrow();
      }
      var ended = gateway.get(url, "Prefer", "wait=20");
      assertThat(json(ended.body()).path("status").asString()).isEqualTo("completed");
      assertThat(gateway.get(url, "If-None-Match", header(ended, "etag")).statusCode())
          .isEqualTo(304);
      // An EventSource that has seen the end is told to stay away, here too.
      try (var again =
          gateway.wire().get(url, "Accept: text/event-stream", "Last-Event-ID: " + last)) {
        assertThat(again.status()).isEqualTo(204);
      }
    }
  }

  @Test
  void isGoodForThatRunAndThatRightOnly() throws Exception {
    try (var gateway = keyed()) {
      Under run = shops(gateway);
      Under other = shops(gateway);
      String url = url(sign(gateway, run.path(), "{\"allow\": \"read\"}", SHOP));
      String query = url.substring(url.indexOf('?'));
      refused(gateway.get(other.path() + query), 403, "invalid_signature");
      refused(gateway.post(run.path() + "/cancel" + query, ""), 403, "url_not_allowed");
      refused(gateway.post(run.path() + "/urls" + query, ""), 403, "url_not_allowed");
      HttpRequest delete = gateway.request(run.path() + query).DELETE().build();
      refused(gateway.send(delete), 403, "url_not_allowed");
      // No key beside it makes up for what is wrong with it.
      refused(gateway.get(other.path() + query, SHOP), 403, "invalid_signature");
      refused(gateway.get("/v1/runs" + query), 401, "missing_api_key");
      refused(
          gateway.post("/v1/chat/completions" + query, Chat.plain("x")), 401, "missing_api_key");
      run.finish();
      other.finish();
    }
  }

  @Test
  void cancelsWhereThatIsAllowed() throws Exception {
    try (var gateway = keyed()) {
      Under run = shops(gateway);
      JsonNode signed = sign(gateway, run.path(), "{\"allow\":\"cancel\",\"expires_in\":60}", SHOP);
      assertThat(gateway.get(url(signed)).statusCode()).isEqualTo(200);
      String cancel = signed.path("cancel_url").asString().replaceFirst("^http://[^/]+", "");
      var answer = gateway.post(cancel, "");
      assertThat(json(answer.body()).path("status").asString()).isEqualTo("cancelled");
      run.call().awaitGone();
      run.wire().close();
    }
  }

  @Test
  void refusesWhatWasAlteredOrHasExpired() throws Exception {
    try (var gateway = keyed()) {
      Under run = shops(gateway);
      String url = url(sign(gateway, run.path(), "{\"expires_in\": 1}", SHOP));
      int from = url.indexOf("signed=") + 7;
      for (int i = from; i < url.length(); i++) {
        char other = url.charAt(i) == 'x' ? 'y' : 'x';
        var answer = gateway.get(url.substring(0, i) + other + url.substring(i + 1));
        refused(answer, 403, "invalid_signature");
      }
      String[] parts = url.substring(from).split("\\.", -1);
      String longer = url.replace("." + parts[1] + ".", "." + (Long.parseLong(parts[1]) + 9) + ".");
      refused(gateway.get(longer), 403, "invalid_signature");
      refused(gateway.get(url.replace("=read.", "=cancel.")), 403, "invalid_signature");
      refused(gateway.get(run.path() + "?signed="), 403, "invalid_signature");
      Eventually.until("expired", () -> gateway.get(url).statusCode() == 403);
      refused(gateway.get(url), 403, "url_expired");
      try (var events = gateway.wire().get(url, "Accept: text/event-stream")) {
        assertThat(events.status()).isEqualTo(403);
      }
      run.finish();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "{\"allow\":\"read\"",
        "{\"allow\":\"write\"}",
        "{\"allow\":null}",
        "{\"expires_in\":0}",
        "{\"expires_in\":-1}",
        "{\"expires_in\":604801}",
        "{\"expires_in\":\"60\"}",
        "{\"expires_in\":1.5}",
        "{\"expires\":60}"
      })
  void refusesWhatItDoesNotUnderstand(String body) throws Exception {
    try (var gateway = keyed()) {
      var answer = gateway.post("/v1/runs/run_x/urls", body, SHOP);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
      FailuresTest.error(
          answer.body(),
          body.startsWith("{") && body.endsWith("}") ? "invalid_parameter" : "invalid_json");
    }
  }

  @Test
  void signsOnlyWhatIsTheCallers() throws Exception {
    try (var gateway = keyed()) {
      Under run = shops(gateway);
      refused(gateway.post(run.path() + "/urls", ""), 401, "missing_api_key");
      refused(
          gateway.post(run.path() + "/urls", "", "Authorization", "Bearer mw-bank"),
          404,
          "run_not_found");
      refused(gateway.post("/v1/runs/run_x/urls", "", SHOP), 404, "run_not_found");
      run.finish();
    }
  }

  @Test
  void worksWithoutKeysAndFromAnyHost() throws Exception {
    try (var gateway = Gateway.before(upstream, "--public-url=https://ai.example.com/ai")) {
      Under run = underWay(gateway, "Authorization: Bearer sk-mine");
      JsonNode signed = sign(gateway, run.path(), "", "Authorization", "Bearer sk-mine");
      String url = signed.path("url").asString();
      assertThat(url).startsWith("https://ai.example.com/ai" + run.path() + "?");
      String path = url.substring("https://ai.example.com/ai".length());
      assertThat(gateway.get(run.path()).statusCode()).isEqualTo(404);
      assertThat(gateway.get(path).statusCode()).isEqualTo(200);
      try (var wire = gateway.wire().get(path, "Host: ai.example.com")) {
        assertThat(wire.status()).isEqualTo(200);
      }
      try (var wire = gateway.wire().get(path, "Origin: https://evil.example.com")) {
        assertThat(wire.status()).isEqualTo(403);
        FailuresTest.error(wire.rest(), "origin_not_allowed");
      }
      run.finish();
    }
  }

  @Test
  void secretsAreKeptAndRotate() throws Exception {
    String first = "first-".repeat(8);
    String second = "second-".repeat(8);
    String url;
    String kept;
    try (var gateway = kept("")) {
      kept = url(sign(gateway, promised(gateway), "", SHOP));
    }
    try (var gateway = kept("")) {
      assertThat(gateway.get(kept).statusCode()).isEqualTo(200);
    }
    try (var gateway = kept(first)) {
      refused(gateway.get(kept), 403, "invalid_signature");
      url = url(sign(gateway, kept.substring(0, kept.indexOf('?')), "", SHOP));
    }
    try (var gateway = kept(second + ", " + first)) {
      assertThat(gateway.get(url).statusCode()).isEqualTo(200);
    }
    try (var gateway = kept(second)) {
      refused(gateway.get(url), 403, "invalid_signature");
    }
  }

  private Gateway kept(String secret) throws Exception {
    return Gateway.configured(
        data,
        """
        server: {%s}
        keys: [{tenant: shop, sha256: %s}]
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        """
            .formatted(
                secret.isEmpty() ? "" : "secret: [" + secret + "]",
                SafetyTest.sha256("mw-shop"),
                upstream.url()));
  }

  private String promised(Gateway gateway) throws Exception {
    var answer = gateway.chat(Chat.plain("x"), SHOP[0], SHOP[1], "Prefer", "respond-async");
    upstream.take().json(200, Chat.answer("a"));
    return "/v1/runs/" + header(answer, "meanwhile-run");
  }

  // Pages of listed origins

  @Test
  void pagesOfListedOriginsMayReadWhatIsAnswered() throws Exception {
    try (var gateway = keyed("--cors=" + ORIGIN + ",http://localhost:3000")) {
      Under run = shops(gateway);
      String url = url(sign(gateway, run.path(), "{\"allow\":\"cancel\"}", SHOP));
      for (String each : new String[] {url, run.path(), url + "x"}) {
        try (var wire = gateway.wire().get(each, "Origin: " + ORIGIN)) {
          wire.status();
          assertThat(wire.header("access-control-allow-origin")).isEqualTo(ORIGIN);
          assertThat(wire.header("access-control-expose-headers")).contains("etag", "retry-after");
          assertThat(wire.header("access-control-allow-credentials")).isNull();
          assertThat(varies(wire)).contains("Origin");
        }
      }
      try (var wire = gateway.wire().get(url, "Origin: " + ORIGIN, "Accept: text/event-stream")) {
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.header("access-control-allow-origin")).isEqualTo(ORIGIN);
      }
      for (String foreign :
          new String[] {
            "https://evil.example.com", "http://shop.example.com", "null", ORIGIN + ":8443"
          }) {
        try (var wire = gateway.wire().get(url, "Origin: " + foreign)) {
          assertThat(wire.status()).isEqualTo(200);
          assertThat(wire.header("access-control-allow-origin")).isNull();
          assertThat(varies(wire)).contains("Origin");
        }
      }
      try (var wire =
          gateway
              .wire()
              .send(
                  "OPTIONS "
                      + url.replace("?", "/cancel?")
                      + " HTTP/1.1\r\nHost: localhost\r\nOrigin: "
                      + ORIGIN
                      + "\r\nAccess-Control-Request-Method: POST\r\n"
                      + "Access-Control-Request-Headers: prefer,if-none-match\r\n\r\n")) {
        assertThat(wire.status()).isEqualTo(204);
        assertThat(wire.header("access-control-allow-origin")).isEqualTo(ORIGIN);
        assertThat(wire.header("access-control-allow-methods")).isEqualTo("GET, POST");
        assertThat(wire.header("access-control-allow-headers")).isEqualTo("prefer,if-none-match");
      }
      try (var wire =
          gateway
              .wire()
              .send(
                  "OPTIONS "
                      + run.path()
                      + " HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example.com\r\n"
                      + "Access-Control-Request-Method: GET\r\n\r\n")) {
        assertThat(wire.status()).isEqualTo(401);
        assertThat(wire.header("access-control-allow-origin")).isNull();
      }
      run.finish();
    }
  }

  private static List<String> varies(Wire wire) {
    return wire.headers().stream()
        .filter(header -> header.getKey().equalsIgnoreCase("vary"))
        .flatMap(header -> Arrays.stream(header.getValue().split(", ", -1)))
        .toList();
  }

  @Test
  void withoutAListNothingIsSaidOfOrigins() throws Exception {
    try (var gateway = keyed()) {
      Under run = shops(gateway);
      String url = url(sign(gateway, run.path(), "", SHOP));
      try (var wire = gateway.wire().get(url, "Origin: " + ORIGIN)) {
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.header("access-control-allow-origin")).isNull();
        assertThat(varies(wire)).doesNotContain("Origin");
      }
      run.finish();
    }
  }

  @Test
  void aListedOriginIsNotForeign() throws Exception {
    try (var gateway = Gateway.before(upstream, "--cors=" + ORIGIN)) {
      try (var wire = gateway.wire().get("/v1/runs/run_x", "Origin: " + ORIGIN)) {
        assertThat(wire.status()).isEqualTo(404);
      }
      try (var wire = gateway.wire().get("/v1/runs/run_x", "Origin: https://evil.example.com")) {
        assertThat(wire.status()).isEqualTo(403);
      }
    }
  }
}
