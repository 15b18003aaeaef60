package dev.meanwhile.server.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/// Who may call, whose key goes where, and that secrets are told to nobody.
class SafetyTest {
  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  static String sha256(String key) throws Exception {
    return HexFormat.of()
        .formatHex(MessageDigest.getInstance("SHA-256").digest(key.getBytes(UTF_8)));
  }

  private Gateway keyed() throws Exception {
    return Gateway.configured(
        """
        keys:
          - {tenant: shop, sha256: %s}
          - {tenant: shop, sha256: %s}
          - {tenant: bank, sha256: %s}
          - {tenant: ops, sha256: %s, admin: true}
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        """
            .formatted(
                sha256("mw-shop-1"),
                sha256("mw-shop-2"),
                sha256("mw-bank"),
                sha256("mw-ops"),
                upstream.url()));
  }

  @Test
  void refusesACallerWithoutAKeyOfOurs() throws Exception {
    try (var gateway = keyed()) {
      for (String path : new String[] {"/v1/chat/completions", "/v1/embeddings", "/v1/images"}) {
        var without = gateway.post(path, Chat.plain("x"));
        assertThat(without.statusCode()).isEqualTo(401);
        FailuresTest.error(without.body(), "missing_api_key");
        for (String[] wrong :
            new String[][] {
              {"Authorization", "Bearer mw-shop-3"},
              {"Authorization", "mw-shop"},
              {"api-key", "MW-SHOP-1"},
              {"Authorization", "Basic " + sha256("mw-shop-1")},
              {"Authorization", "Bearer " + sha256("mw-shop-1")}
            }) {
          var answer = gateway.post(path, Chat.plain("x"), wrong);
          assertThat(answer.statusCode()).as(wrong[1]).isEqualTo(401);
          FailuresTest.error(answer.body(), "invalid_api_key");
          assertThat(answer.body()).doesNotContain(wrong[1]);
        }
      }
      assertThat(gateway.get("/v1/runs/run_x").statusCode()).isEqualTo(401);
      assertThat(gateway.get("/health/live").statusCode()).isEqualTo(200);
      assertThat(upstream.calls()).isZero();
    }
  }

  @Test
  void sendsItsOwnKeyUpstreamAndNeverTheCallers() throws Exception {
    try (var gateway = keyed();
        var wire = gateway.wire()) {
      for (String header :
          new String[] {
            "Authorization: Bearer mw-shop-1", "api-key: mw-shop-2", "authorization: bearer mw-bank"
          }) {
        for (String path : new String[] {"/v1/chat/completions", "/v1/images/generations"}) {
          wire.post(path, Chat.plain("x"), header);
          Exchange call = upstream.take();
          assertThat(call.header("authorization")).isEqualTo("Bearer up-secret");
          assertThat(call.header("api-key")).isNull();
          assertThat(call.headers().toString()).doesNotContain("mw-");
          call.json(200, Chat.answer("a"));
          assertThat(wire.status()).isEqualTo(200);
          assertThat(wire.headers().toString()).doesNotContain("up-secret");
          wire.rest();
        }
      }
    }
  }

  @Test
  void sendsNoKeyWhereItHasNone() throws Exception {
    String yaml =
        "keys: [{tenant: a, sha256: %s}]\nupstreams: {only: {base-url: '%s'}}"
            .formatted(sha256("mw-a"), upstream.url());
    try (var gateway = Gateway.configured(yaml);
        var wire =
            gateway.wire().chat(Chat.plain("x"), "Authorization: Bearer mw-a", "api-key: mw-a")) {
      Exchange call = upstream.take();
      assertThat(call.header("authorization")).isNull();
      assertThat(call.header("api-key")).isNull();
      call.json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void passesTheCallersOwnCredentialThroughWithoutKeys() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire()) {
      wire.chat(Chat.plain("x"), "api-key: azure-1");
      Exchange call = upstream.take();
      assertThat(call.header("api-key")).isEqualTo("azure-1");
      assertThat(call.header("authorization")).isNull();
      call.json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void takesTheUpstreamsKeyFromTheEnvironment() throws Exception {
    try (var gateway =
            Gateway.configured(
                "server: {loops: 1}",
                Map.of("THE_KEY", "from-env"),
                "--upstream=" + upstream.url(),
                "--upstream-key-env=THE_KEY");
        var wire = gateway.wire().chat(Chat.plain("x"), "Authorization: Bearer callers")) {
      Exchange call = upstream.take();
      assertThat(call.header("authorization")).isEqualTo("Bearer from-env");
      call.json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void keepsTenantsApartAndSeveralKeysOfOneTogether() throws Exception {
    try (var gateway = keyed();
        var wire = gateway.wire().chat(Chat.plain("x"), "api-key: mw-shop-1")) {
      upstream.take().json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
      String path = "/v1/runs/" + wire.header("meanwhile-run");
      assertThat(gateway.get(path, "api-key", "mw-shop-1").statusCode()).isEqualTo(200);
      assertThat(gateway.get(path, "api-key", "mw-shop-2").statusCode()).isEqualTo(200);
      assertThat(gateway.get(path, "api-key", "mw-bank").statusCode()).isEqualTo(404);
      assertThat(gateway.get(path, "api-key", "mw-ops").statusCode()).isEqualTo(404);
      assertThat(gateway.post(path + "/cancel", "", "api-key", "mw-bank").statusCode())
          .isEqualTo(404);
    }
  }

  @Test
  void showsMetricsToAdminsOnly() throws Exception {
    try (var gateway = keyed()) {
      assertThat(gateway.get("/metrics").statusCode()).isEqualTo(401);
      assertThat(gateway.get("/metrics", "api-key", "mw-shop-1").statusCode()).isEqualTo(403);
      var metrics = gateway.get("/metrics", "api-key", "mw-ops");
      assertThat(metrics.statusCode()).isEqualTo(200);
      assertThat(metrics.body()).contains("meanwhile_runs_open 0");
    }
    try (var gateway = Gateway.before(upstream)) {
      assertThat(gateway.get("/metrics").statusCode()).isEqualTo(200);
    }
    try (var gateway = Gateway.before(upstream, "--open")) {
      assertThat(gateway.get("/metrics").statusCode()).isEqualTo(403);
    }
  }

  @Test
  void answersOnlyRequestsMadeToThisMachineWithoutKeys() throws Exception {
    try (var gateway = Gateway.before(upstream)) {
      String port = ":" + gateway.port();
      for (String good :
          new String[] {
            "localhost" + port,
            "LOCALHOST",
            "127.0.0.1" + port,
            "127.9.9.9",
            "[::1]" + port,
            "a.localhost"
          }) {
        try (var wire = gateway.wire().get("/v1/runs/x", "Host: " + good)) {
          assertThat(wire.status()).as(good).isEqualTo(404);
        }
      }
      for (String bad :
          new String[] {
            "evil.example" + port,
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
            ""
          }) {
        for (String path : new String[] {"/v1/runs/x", "/v1/models", "/metrics"}) {
          try (var wire = gateway.wire().get(path, "Host: " + bad)) {
            assertThat(wire.status()).as(bad + path).isIn(400, 403);
          }
        }
        try (var wire = gateway.wire().chat(Chat.plain("x"), "Host: " + bad)) {
          assertThat(wire.status()).as(bad).isIn(400, 403);
        }
      }
      try (var wire = gateway.wire().send("GET /v1/models HTTP/1.0\r\n\r\n")) {
        assertThat(wire.status()).as("no Host").isEqualTo(403);
      }
      assertThat(upstream.calls()).isZero();
    }
  }

  @Test
  void doesNotAnswerWebPagesFromElsewhereWithoutKeys() throws Exception {
    try (var gateway = Gateway.before(upstream)) {
      for (String bad :
          new String[] {"https://evil.example", "null", "http://localhost.evil.example", "x y"}) {
        try (var wire = gateway.wire().chat(Chat.plain("x"), "Origin: " + bad)) {
          FailuresTest.error(wire, 403, "origin_not_allowed");
        }
      }
      try (var wire = gateway.wire().chat(Chat.plain("x"), "Origin: http://localhost:3000")) {
        Exchange call = upstream.take();
        assertThat(call.header("origin")).isNull();
        call.json(200, Chat.answer("a"), "access-control-allow-origin: *");
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.header("access-control-allow-origin")).isNull();
      }
    }
  }

  @Test
  void answersAnyHostOnceThereAreKeysOrItIsOpen() throws Exception {
    try (var gateway = keyed();
        var wire = gateway.wire().get("/v1/runs/x", "Host: ai.example.com", "api-key: mw-shop-1")) {
      assertThat(wire.status()).isEqualTo(404);
    }
    try (var gateway = Gateway.before(upstream, "--open");
        var wire = gateway.wire().get("/v1/runs/x", "Host: ai.example.com")) {
      assertThat(wire.status()).isEqualTo(404);
    }
  }

  @Test
  void tellsNoSecretAnywhere() throws Exception {
    String secretPrompt = "the-secret-prompt";
    try (var gateway = keyed();
        var wire = gateway.wire()) {
      wire.chat(Chat.plain(secretPrompt), "api-key: mw-shop-1");
      upstream.take().json(200, Chat.answer("the-secret-answer"));
      assertThat(wire.status()).isEqualTo(200);
      wire.rest();
      wire.chat(Chat.plain(secretPrompt), "api-key: mw-shop-1");
      upstream.take().cut();
      assertThat(wire.status()).isEqualTo(502);
      String error = wire.rest();
      wire.chat(Chat.plain(secretPrompt).replace("\"m\"", "7"), "api-key: mw-shop-1");
      assertThat(wire.status()).isEqualTo(400);
      error += wire.rest();
      wire.chat("{\"" + secretPrompt, "api-key: mw-shop-1");
      assertThat(wire.status()).isEqualTo(400);
      error += wire.rest();
      String metrics = gateway.get("/metrics", "api-key", "mw-ops").body();
      Eventually.until("both lines are there", () -> gateway.log().lines().count() == 2);
      for (String secret :
          new String[] {
            "mw-shop-1", "up-secret", secretPrompt, "the-secret-answer", sha256("mw-shop-1")
          }) {
        assertThat(gateway.log()).doesNotContain(secret);
        assertThat(error).doesNotContain(secret);
        assertThat(metrics).doesNotContain(secret);
      }
    }
  }

  @Test
  void hidesACredentialInTheUpstreamsAddress() throws Exception {
    // Such an address is refused at the start, so that it can stand in no error.
    assertThatThrownBy(() -> Gateway.before("http://user:p4ss@127.0.0.1:9/v1").close())
        .hasMessageNotContaining("p4ss");
  }

  @Test
  void writesOneLineForEachRun() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire()) {
      wire.chat(Chat.plain("x"));
      upstream.take().json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
      Eventually.until("the line is there", () -> gateway.log().lines().count() == 1);
      var line = new JsonMapper().readTree(gateway.log());
      assertThat(line.path("run").asString()).isEqualTo(wire.header("meanwhile-run"));
      assertThat(line.path("tenant").asString()).isEqualTo("anonymous");
      assertThat(line.path("api").asString()).isEqualTo("chat");
      assertThat(line.path("upstream").asString()).isEqualTo("default");
      assertThat(line.path("model").asString()).isEqualTo("m");
      assertThat(line.path("status").asString()).isEqualTo("completed");
      assertThat(line.path("upstream_status").asInt()).isEqualTo(200);
      assertThat(line.path("events").asInt()).isEqualTo(1);
      assertThat(line.path("bytes").asInt()).isEqualTo(Chat.answer("a").length());
      assertThat(line.path("total_ms").isNumber()).isTrue();
      assertThat(line.path("first_content_ms").isNumber()).isTrue();
    }
  }
}
