package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static dev.meanwhile.server.wire.AsyncTest.say;
import static org.assertj.core.api.Assertions.assertThat;

import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Endpoints are registered, and told of the ends of runs.
class WebhooksTest {
  private static final String PATH = "/v1/webhook_endpoints";
  private static final String[] SHOP = {"Authorization", "Bearer mw-shop"};
  private static final String[] BANK = {"Authorization", "Bearer mw-bank"};
  private static final String[] BACKGROUND = {
    "Authorization", "Bearer mw-shop", "Prefer", "respond-async"
  };

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();
  private final RawUpstream sink = RawUpstream.start();
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
        server: {webhooks-allow: [127.0.0.1]}
        keys:
          - {tenant: shop, sha256: %s}
          - {tenant: bank, sha256: %s}
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        """
            .formatted(SafetyTest.sha256("mw-shop"), SafetyTest.sha256("mw-bank"), upstream.url()));
  }

  @AfterEach
  void close() {
    gateway.close();
    upstream.close();
    sink.close();
  }

  private JsonNode ok(String path, String body, String... headers) throws Exception {
    var answer = gateway.post(path, body, headers);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer.body());
  }

  private JsonNode register(String... types) throws Exception {
    return ok(PATH, registration(types), SHOP);
  }

  private String registration(String... types) {
    String list = types.length == 0 ? "" : "\"" + String.join("\",\"", types) + "\"";
    return "{\"name\":\"hook\",\"url\":\"http://127.0.0.1:%d/hook\",\"event_types\":[%s]}"
        .formatted(sink.port(), list);
  }

  private static String id(JsonNode endpoint) {
    return endpoint.path("id").asString();
  }

  private String background() throws Exception {
    var answer = gateway.chat(Chat.plain("x"), BACKGROUND);
    assertThat(answer.statusCode()).isEqualTo(202);
    return header(answer, "meanwhile-run");
  }

  private JsonNode deliveries(String endpoint) throws Exception {
    return json(gateway.get(PATH + "/" + endpoint + "/deliveries", SHOP).body());
  }

  private void awaitStatus(String endpoint, String status) throws Exception {
    Eventually.until(
        status,
        () -> deliveries(endpoint).path("data").path(0).path("status").asString("").equals(status));
  }

  private static void verify(Exchange got, String secret) throws Exception {
    var headers = new LinkedHashMap<String, List<String>>();
    for (String name : List.of("webhook-id", "webhook-timestamp", "webhook-signature")) {
      headers.put(name, List.of(Objects.requireNonNull(got.header(name))));
    }
    new Webhook(secret).verify(got.body(), HttpHeaders.of(headers, (_, _) -> true));
  }

  @Test
  void registersAsOpenAiDoes() throws Exception {
    JsonNode made = register("response.completed", "response.failed");
    assertThat(made.propertyNames())
        .containsExactlyInAnyOrder(
            "id",
            "object",
            "created_at",
            "updated_at",
            "name",
            "url",
            "event_types",
            "status",
            "signing_secret",
            "signing_secret_hint");
    assertThat(id(made)).startsWith("whe_");
    String secret = made.path("signing_secret").asString();
    assertThat(secret).startsWith("whsec_");
    JsonNode second = register();
    JsonNode list = json(gateway.get(PATH + "?limit=1", SHOP).body());
    assertThat(list.path("data").path(0).path("id").asString()).isEqualTo(id(second));
    assertThat(list.path("has_more").asBoolean()).isTrue();
    JsonNode rest = json(gateway.get(PATH + "?after=" + id(second), SHOP).body());
    assertThat(rest.path("data").size()).isEqualTo(1);
    assertThat(rest.toString()).doesNotContain(secret).contains(id(made));
    String path = PATH + "/" + id(made);
    assertThat(gateway.get(path, SHOP).body()).doesNotContain(secret).contains("hook");
    JsonNode changed = ok(path, "{\"name\":\"new\",\"event_types\":[]}", SHOP);
    assertThat(changed.path("name").asString()).isEqualTo("new");
    assertThat(changed.path("event_types").isEmpty()).isTrue();
    assertThat(changed.path("url").asString()).endsWith("/hook");
    gateway.close();
    gateway = gateway();
    assertThat(json(gateway.get(path, SHOP).body())).isEqualTo(changed);
    HttpRequest delete = gateway.request(path, SHOP).DELETE().build();
    assertThat(gateway.send(delete).body())
        .isEqualTo(
            "{\"id\":\"%s\",\"object\":\"webhook_endpoint.deleted\",\"deleted\":true}"
                .formatted(id(made)));
    assertThat(gateway.get(path, SHOP).statusCode()).isEqualTo(404);
    assertThat(gateway.log()).doesNotContain(secret);
    assertThat(upstream.calls()).as("nothing of this goes up").isZero();
  }

  @Test
  void refusesWhatCannotBeRegistered() throws Exception {
    String good = registration("response.completed");
    List<List<String>> bad =
        List.of(
            List.of("x", "invalid_request"),
            List.of("{}", "missing_parameter"),
            List.of(good.replace("hook\",\"url", "\",\"url"), "invalid_parameter"),
            List.of(good.replace("127.0.0.1", "127.0.0.2"), "invalid_webhook_url"),
            List.of(good.replace("http:", "ftp:"), "invalid_webhook_url"),
            List.of(good.replace("response.completed", "batch.failed"), "invalid_event_type"));
    for (List<String> each : bad) {
      var answer = gateway.post(PATH, each.get(0), SHOP);
      assertThat(answer.statusCode()).as(each.get(0)).isEqualTo(400);
      FailuresTest.error(answer.body(), each.get(1));
    }
    assertThat(gateway.post(PATH + "/whe_x/nothing", "", SHOP).statusCode()).isEqualTo(404);
    assertThat(gateway.post(PATH, good).statusCode()).isEqualTo(401);
  }

  @Test
  void showsNobodyElsesEndpoints() throws Exception {
    String path = PATH + "/" + id(register("response.completed"));
    assertThat(json(gateway.get(PATH, BANK).body()).path("data").isEmpty()).isTrue();
    for (String what : new String[] {"", "/rotate_secret", "/test"}) {
      assertThat(gateway.post(path + what, "{}", BANK).statusCode()).isEqualTo(404);
    }
    assertThat(gateway.get(path + "/deliveries", BANK).statusCode()).isEqualTo(404);
    assertThat(gateway.send(gateway.request(path, BANK).DELETE().build()).statusCode())
        .isEqualTo(404);
    var call =
        gateway.chat(
            Chat.plain("x"),
            "Authorization",
            "Bearer mw-bank",
            "Meanwhile-Webhook",
            path.substring(PATH.length() + 1));
    assertThat(call.statusCode()).isEqualTo(404);
    FailuresTest.error(call.body(), "webhook_endpoint_not_found");
    assertThat(upstream.calls()).isZero();
  }

  @Test
  void isToldOfAnEnd() throws Exception {
    JsonNode endpoint = register("response.completed");
    String run = background();
    say(upstream.take(), "done");
    Exchange got = sink.take();
    // The end is there for whoever is told of it.
    assertThat(json(gateway.get("/v1/runs/" + run, SHOP).body()).path("status").asString())
        .isEqualTo("completed");
    verify(got, endpoint.path("signing_secret").asString());
    JsonNode event = json(got.body());
    assertThat(event.path("type").asString()).isEqualTo("response.completed");
    assertThat(event.path("data").path("id").asString()).isEqualTo(run);
    assertThat(event.path("id").asString()).isEqualTo(got.header("webhook-id")).startsWith("evt_");
    got.json(200, "{}");
    awaitStatus(id(endpoint), "delivered");
    JsonNode delivery = deliveries(id(endpoint)).path("data").path(0);
    assertThat(delivery.path("run").asString()).isEqualTo(run);
    assertThat(delivery.path("tries").asInt()).isEqualTo(1);
    assertThat(delivery.path("result").asString()).isEqualTo("200");
    String resend = PATH + "/" + id(endpoint) + "/deliveries/" + event.path("id").asString();
    ok(resend + "/resend", "", SHOP);
    Exchange again = sink.take();
    assertThat(again.header("webhook-id")).isEqualTo(got.header("webhook-id"));
    assertThat(again.body()).isEqualTo(got.body());
    again.json(200, "{}");
    awaitStatus(id(endpoint), "delivered");
    assertThat(gateway.post(resend + "0/resend", "", SHOP).statusCode()).isEqualTo(404);
  }

  @Test
  void isToldOfTheEndsItListsAndOfRunsThatNameIt() throws Exception {
    String failed = id(register("response.failed"));
    String named = id(register());
    background();
    upstream.take().json(400, "{\"error\":{\"message\":\"bad\"}}");
    Exchange first = sink.take();
    assertThat(json(first.body()).path("type").asString()).isEqualTo("response.failed");
    first.json(200, "");
    var waiting =
        gateway.request(
            "/v1/chat/completions", "Authorization", "Bearer mw-shop", "Meanwhile-Webhook", named);
    var answer =
        HttpClient.newHttpClient()
            .sendAsync(
                waiting.POST(HttpRequest.BodyPublishers.ofString(Chat.plain("y"))).build(),
                HttpResponse.BodyHandlers.ofString());
    upstream.take().json(200, Chat.answer("hello"));
    assertThat(answer.get().statusCode()).isEqualTo(200);
    Exchange second = sink.take();
    String run = header(answer.get(), "meanwhile-run");
    assertThat(json(second.body()).path("data").path("id").asString()).isEqualTo(run);
    second.json(200, "");
    // A run that was cancelled is of neither.
    String cancelled = background();
    upstream.take();
    gateway.post("/v1/runs/" + cancelled + "/cancel", "", SHOP);
    ended(cancelled);
    awaitStatus(failed, "delivered");
    awaitStatus(named, "delivered");
    assertThat(deliveries(failed).path("data").size()).isEqualTo(1);
    assertThat(deliveries(named).path("data").size()).isEqualTo(1);
  }

  private void ended(String run) throws Exception {
    Eventually.until(
        "the end",
        () -> json(gateway.get("/v1/runs/" + run, SHOP).body()).path("completed_at").isNumber());
  }

  @Test
  void goesOnForTheWebhookWhenTheCallerLeaves() throws Exception {
    String named = id(register());
    Exchange call;
    try (var wire = gateway.wire()) {
      wire.chat(Chat.plain("x"), "Authorization: Bearer mw-shop", "Meanwhile-Webhook: " + named);
      call = upstream.take();
    }
    call.json(200, Chat.answer("hello"));
    Exchange got = sink.take();
    assertThat(json(got.body()).path("type").asString()).isEqualTo("response.completed");
    got.json(200, "");
  }

  @Test
  void anSdksRetryAttachesToTheCallThatNamesAWebhook() throws Exception {
    String named = id(register());
    String[] headers = {
      "Authorization: Bearer mw-shop", "Meanwhile-Webhook: " + named, "X-Stainless-Retry-Count: 0"
    };
    try (var first = gateway.wire();
        var second = gateway.wire()) {
      first.chat(Chat.plain("x"), headers);
      Exchange call = upstream.take();
      headers[2] = "X-Stainless-Retry-Count: 1";
      second.chat(Chat.plain("x"), headers);
      call.json(200, Chat.answer("hello"));
      assertThat(first.status()).isEqualTo(200);
      assertThat(second.status()).isEqualTo(200);
    }
    sink.take().json(200, "");
    awaitStatus(named, "delivered");
    assertThat(deliveries(named).path("data").size()).isEqualTo(1);
    assertThat(upstream.calls()).isEqualTo(1);
  }

  @Test
  void keepsWhatDidNotArriveOverARestart() throws Exception {
    String endpoint = id(register("response.completed"));
    background();
    say(upstream.take(), "done");
    Exchange first = sink.take();
    first.json(503, "", "retry-after: 3600");
    awaitTries(endpoint, 1);
    assertThat(deliveries(endpoint).path("data").path(0).path("status").asString())
        .isEqualTo("pending");
    gateway.close();
    gateway = gateway();
    JsonNode pending = deliveries(endpoint).path("data").path(0);
    assertThat(pending.path("result").asString()).isEqualTo("503");
    assertThat(pending.path("next_try_at").asLong() - pending.path("last_try_at").asLong())
        .isBetween(3_599L, 3_601L);
    String event = pending.path("id").asString();
    ok(PATH + "/" + endpoint + "/deliveries/" + event + "/resend", "", SHOP);
    Exchange second = sink.take();
    assertThat(second.header("webhook-id")).isEqualTo(first.header("webhook-id"));
    assertThat(second.body()).isEqualTo(first.body());
    second.json(200, "");
    awaitStatus(endpoint, "delivered");
  }

  private void awaitTries(String endpoint, int tries) throws Exception {
    Eventually.until(
        tries + " tries",
        () -> deliveries(endpoint).path("data").path(0).path("tries").asInt() == tries);
  }

  @Test
  void anEndpointThatIsGoneIsDisabledUntilItIsChanged() throws Exception {
    String endpoint = id(register("response.completed"));
    background();
    say(upstream.take(), "done");
    sink.take().json(410, "");
    awaitStatus(endpoint, "failed");
    String path = PATH + "/" + endpoint;
    Eventually.until(
        "disabled",
        () -> json(gateway.get(path, SHOP).body()).path("status").asString().equals("disabled"));
    assertThat(ok(path, "{}", SHOP).path("status").asString()).isEqualTo("enabled");
    String event = deliveries(endpoint).path("data").path(0).path("id").asString();
    ok(path + "/deliveries/" + event + "/resend", "", SHOP);
    sink.take().json(200, "");
    awaitStatus(endpoint, "delivered");
  }

  @Test
  void signsWithBothSecretsWhileTheyRotate() throws Exception {
    JsonNode endpoint = register("response.completed");
    String path = PATH + "/" + id(endpoint);
    String first = endpoint.path("signing_secret").asString();
    String second =
        ok(path + "/rotate_secret", "{\"keep_old_secret_active_for_24_hours\":true}", SHOP)
            .path("signing_secret")
            .asString();
    Exchange both = tested(path);
    verify(both, first);
    verify(both, second);
    String third = ok(path + "/rotate_secret", "{}", SHOP).path("signing_secret").asString();
    Exchange one = tested(path);
    verify(one, third);
    var refused = new ArrayList<String>();
    for (String old : List.of(first, second)) {
      try {
        verify(one, old);
      } catch (WebhookVerificationException e) {
        refused.add(old);
      }
    }
    assertThat(refused).containsExactly(first, second);
  }

  private Exchange tested(String path) throws Exception {
    var request =
        gateway
            .request(path + "/test", SHOP)
            .POST(HttpRequest.BodyPublishers.ofString("{\"event_type\":\"response.failed\"}"))
            .build();
    var answer =
        HttpClient.newHttpClient().sendAsync(request, HttpResponse.BodyHandlers.ofString());
    Exchange got = sink.take();
    assertThat(json(got.body()).path("type").asString()).isEqualTo("response.failed");
    got.json(418, "");
    assertThat(json(answer.get().body()).path("status_code").asInt()).isEqualTo(418);
    return got;
  }

  @Test
  void needsAnUpstreamsKeyOfOurOwn() throws Exception {
    try (var open = Gateway.keeping(data.resolve("other"), upstream)) {
      var answer =
          open.chat(Chat.plain("x"), "Authorization", "sk-1", "Meanwhile-Webhook", "whe_x");
      assertThat(answer.statusCode()).isEqualTo(400);
      FailuresTest.error(answer.body(), "upstream_key_required");
    }
  }

  @Test
  void needsAStore() throws Exception {
    try (var bare = Gateway.before(upstream)) {
      var answer = bare.get(PATH);
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
      FailuresTest.error(answer.body(), "no_store");
    }
  }
}
