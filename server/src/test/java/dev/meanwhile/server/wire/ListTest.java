package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The runs that are kept: listed to their tenant, a page at a time, and erased.
class ListTest {
  private static final String[] SHOP = {"Authorization", "Bearer mw-shop"};
  private static final String[] BANK = {"Authorization", "Bearer mw-bank"};
  private static final String[] OPS = {"Authorization", "Bearer mw-ops"};

  @TempDir private Path data;
  private final RawUpstream upstream =
      RawUpstream.start(exchange -> {
        if (exchange.body().contains("bad")) {
          exchange.json(400, "{\"error\":{\"message\":\"bad\"}}");
        } else {
          exchange.json(200, Chat.answer("secret-answer"));
        }
      });
  private Gateway gateway = Gateway.before(upstream);

  @BeforeEach
  void open() throws Exception {
    gateway.close();
    gateway = gateway();
  }

  private Gateway gateway() throws Exception {
    return Gateway.configured(
        data,
        """
        keys:
          - {tenant: shop, sha256: %s}
          - {tenant: bank, sha256: %s}
          - {tenant: ops, sha256: %s, admin: true}
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        """
            .formatted(
                SafetyTest.sha256("mw-shop"),
                SafetyTest.sha256("mw-bank"),
                SafetyTest.sha256("mw-ops"),
                upstream.url()));
  }

  @AfterEach
  void close() {
    gateway.close();
    upstream.close();
  }

  private String run(String question, String... who) throws Exception {
    var answer = gateway.chat(Chat.plain(question), who[0], who[1], "Prefer", "respond-async");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
    String run = AsyncTest.header(answer, "meanwhile-run");
    var end = gateway.get("/v1/runs/" + run, who[0], who[1], "Prefer", "wait=30");
    assertThat(json(end.body()).path("completed_at").isNumber()).isTrue();
    return run;
  }

  private JsonNode list(String query, String... who) throws Exception {
    var answer = gateway.get("/v1/runs" + query, who);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer.body());
  }

  private static List<String> ids(JsonNode page) {
    var ids = new ArrayList<String>();
    page.path("data").forEach(run -> ids.add(run.path("id").asString()));
    return ids;
  }

  @Test
  void showsATenantItsRunsNewestFirstByPages() throws Exception {
    assertThat(ids(list("", SHOP))).isEmpty();
    String first = run("one", SHOP);
    String second = run("bad", SHOP);
    String third = run("three", SHOP);
    String other = run("four", BANK);
    JsonNode all = list("", SHOP);
    assertThat(ids(all)).containsExactly(third, second, first);
    assertThat(all.path("object").asString()).isEqualTo("list");
    assertThat(all.path("has_more").asBoolean()).isFalse();
    JsonNode line = all.path("data").path(0);
    assertThat(line.propertyNames())
        .containsExactly(
            "id", "object", "status", "model", "created_at", "completed_at", "budget", "attempt");
    assertThat(line.path("status").asString()).isEqualTo("completed");
    assertThat(line.path("model").asString()).isEqualTo("m");
    JsonNode page = list("?limit=2", SHOP);
    assertThat(ids(page)).containsExactly(third, second);
    assertThat(page.path("has_more").asBoolean()).isTrue();
    assertThat(page.path("first_id").asString()).isEqualTo(third);
    assertThat(page.path("last_id").asString()).isEqualTo(second);
    JsonNode rest = list("?limit=2&after=" + second, SHOP);
    assertThat(ids(rest)).containsExactly(first);
    assertThat(rest.path("has_more").asBoolean()).isFalse();
    assertThat(ids(list("?status=failed", SHOP))).containsExactly(second);
    assertThat(ids(list("?status=queued", SHOP))).isEmpty();
    long created = line.path("created_at").asLong();
    assertThat(ids(list("?since=" + (created + 3_600), SHOP))).isEmpty();
    assertThat(ids(list("?since=" + (created - 3_600), SHOP))).hasSize(3);
    assertThat(ids(list("?tenant=*", OPS))).containsExactly(other, third, second, first);
    gateway.close();
    gateway = gateway();
    assertThat(ids(list("", SHOP))).containsExactly(third, second, first);
  }

  @Test
  void showsNobodyElsesRuns() throws Exception {
    String mine = run("one", SHOP);
    assertThat(ids(list("", BANK))).isEmpty();
    assertThat(ids(list("?tenant=shop", BANK))).isEmpty();
    var all = gateway.get("/v1/runs?tenant=*", BANK);
    assertThat(all.statusCode()).isEqualTo(403);
    FailuresTest.error(all.body(), "admin_only");
    for (String path : new String[] {"/v1/runs/" + mine, "/v1/chat/completions/" + mine}) {
      assertThat(gateway.get(path, BANK).statusCode()).isEqualTo(404);
    }
    assertThat(gateway.post("/v1/runs/" + mine + "/cancel", "", BANK).statusCode()).isEqualTo(404);
    assertThat(erase(mine, BANK)).isEqualTo(404);
    assertThat(gateway.get("/v1/runs/" + mine, SHOP).statusCode()).isEqualTo(200);
    gateway.close();
    gateway = gateway();
    assertThat(gateway.get("/v1/runs/" + mine, BANK).statusCode()).isEqualTo(404);
    assertThat(erase(mine, BANK)).isEqualTo(404);
    assertThat(gateway.get("/v1/runs/" + mine, SHOP).statusCode()).isEqualTo(200);
  }

  private int erase(String run, String... who) throws Exception {
    return gateway.send(gateway.request("/v1/runs/" + run, who).DELETE().build()).statusCode();
  }

  @Test
  void erasesAnEndedRunForGood() throws Exception {
    String run = run("one", SHOP);
    String other = run("two", SHOP);
    assertThat(erase(run, SHOP)).isEqualTo(200);
    assertThat(gateway.get("/v1/runs/" + run, SHOP).statusCode()).isEqualTo(404);
    assertThat(erase(run, SHOP)).isEqualTo(404);
    gateway.close();
    gateway = gateway();
    assertThat(gateway.get("/v1/runs/" + run, SHOP).statusCode()).isEqualTo(404);
    assertThat(ids(list("", SHOP))).containsExactly(other);
    assertThat(erase(other, SHOP)).isEqualTo(200);
    assertThat(ids(list("", SHOP))).isEmpty();
  }

  @Test
  void refusesWhatItDoesNotUnderstand() throws Exception {
    for (String query :
        new String[] {
          "status=done", "limit=0", "limit=101", "limit=many", "since=yesterday", "since=-1"
        }) {
      var answer = gateway.get("/v1/runs?" + query, SHOP);
      assertThat(answer.statusCode()).as(query).isEqualTo(400);
      FailuresTest.error(answer.body(), "invalid_parameter");
    }
    assertThat(gateway.post("/v1/runs", "", SHOP).statusCode()).isEqualTo(405);
  }
}
