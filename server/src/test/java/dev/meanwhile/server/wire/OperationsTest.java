package dev.meanwhile.server.wire;

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
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Named kinds of AI work: what goes up, how it comes back, and what happens at the budget.
class OperationsTest {
  private static final String SHOP = "Bearer mw-shop";
  private static final String INPUT = "{\"text\":\"Long \\\"story\\\" {{name}}\"}";

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();
  private Gateway gateway;

  @BeforeEach
  void open() throws Exception {
    gateway =
        Gateway.configured(
            data,
            """
            server: {max-body: 64KB}
            keys:
              - {tenant: shop, sha256: %s}
              - {tenant: bank, sha256: %s, may-detach: true}
              - {tenant: ops, sha256: %s, admin: true}
            upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
            operations:
              patient: {deliver: sync, model: only/m-1, prompt: 'Sum up: {{text}}'}
              paragraph:
                for: stream
                model: m-1
                system: 'You write.'
                prompt: 'Go on: {{text}}'
                parameters: {temperature: 0.50, stop: [END]}
              report: {for: report, model: m-1, prompt: 'Report on {{text}}'}
              hasty:
                deliver: sync
                budget: {total: 50ms, first-token: 50ms}
                model: m-1
                prompt: '{{text}}'
              failing:
                deliver: sync
                budget: {total: 50ms}
                at-budget: fail
                model: m-1
                prompt: '{{text}}'
              falling:
                deliver: sync
                budget: {total: 50ms}
                at-budget: fallback-value
                fallback-value: 'Nothing "yet"'
                model: m-1
                prompt: '{{text}}'
              leaving:
                deliver: sync
                budget: {total: 50ms}
                at-budget: detach
                model: m-1
                prompt: '{{text}}'
              watched:
                deliver: sync
                first-content-timeout: 50ms
                model: m-1
                prompt: '{{text}}'
              fields:
                deliver: sync
                model: m-1
                prompt: 'Name and age in {{text}}'
                schema: {type: object, properties: {b: {type: string}, a: {type: integer}}, required: [b, a], additionalProperties: false}
              look:
                deliver: sync
                model: m-1
                prompt: 'Look at {{photo}} and {{paper}}: {{question}}'
                inputs: {photo: image, paper: file}
              brief:
                for: report
                budget: {total: 200ms}
                expire: true
                model: m-1
                prompt: '{{text}}'
              constant: {deliver: sync, model: m-1, prompt: 'Tell a joke.'}
              tag: {for: page, budget: {total: 50ms}, at-budget: fail}
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

  private HttpResponse<String> call(String name, String input, String... headers) throws Exception {
    return as(SHOP, "/v1/operations/" + name, input, headers);
  }

  private HttpResponse<String> as(String key, String path, String body, String... headers)
      throws Exception {
    var all = new ArrayList<>(List.of(headers));
    all.addAll(List.of("Authorization", key));
    return gateway.post(path, body, all.toArray(String[]::new));
  }

  private Wire begin(String name, String input, String... headers) throws Exception {
    var all = new ArrayList<>(List.of(headers));
    all.add("Authorization: " + SHOP);
    return gateway.wire().post("/v1/operations/" + name, input, all.toArray(String[]::new));
  }

  private String metrics() throws Exception {
    return gateway.get("/metrics", "Authorization", "Bearer mw-ops").body();
  }

  private JsonNode snapshot(String run) throws Exception {
    return json(gateway.get("/v1/runs/" + run, "Prefer", "wait=30", "Authorization", SHOP).body());
  }

  private static void overdue() throws Exception {
    long since = System.nanoTime();
    Eventually.until("the budget has run out", () -> System.nanoTime() - since > 100_000_000);
  }

  @Test
  void rendersAChatRequestAndAnswersInItsDialect() throws Exception {
    try (var wire = begin("patient", INPUT)) {
      Exchange call = upstream.take();
      assertThat(call.line()).startsWith("POST /v1/chat/completions ");
      assertThat(call.header("authorization")).isEqualTo("Bearer up-secret");
      assertThat(json(call.body()))
          .isEqualTo(
              json(
                  "{\"model\":\"m-1\",\"messages\":[{\"role\":\"user\",\"content\":\"Sum up: Long \\\"story\\\" {{name}}\"}]}"));
      call.json(200, Chat.answer("short"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("vary")).isNull();
      String run = String.valueOf(wire.header("meanwhile-run"));
      assertThat(wire.rest()).isEqualTo(Chat.answer("short"));
      JsonNode snapshot = snapshot(run);
      assertThat(snapshot.path("operation").asString()).isEqualTo("patient");
      assertThat(snapshot.path("model").asString()).isEqualTo("only/m-1");
    }
    Eventually.until("the line", () -> gateway.log().contains("\"operation\":\"patient\""));
    assertThat(metrics())
        .contains(
            "meanwhile_run_duration_seconds_count{api=\"chat\",operation=\"patient\",status=\"completed\"} 1");
  }

  @Test
  void streamsWhatIsForWatching() throws Exception {
    try (var wire = begin("paragraph", INPUT)) {
      Exchange call = upstream.take();
      JsonNode asked = json(call.body());
      assertThat(asked.at("/messages/0/role").asString()).isEqualTo("system");
      assertThat(asked.at("/messages/1/content").asString()).startsWith("Go on: Long");
      assertThat(call.body()).contains("\"temperature\":0.50").contains("\"stop\":[\"END\"]");
      assertThat(asked.path("stream").asBoolean()).isTrue();
      say(call, "one ", "two");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("content-type")).startsWith("text/event-stream");
      assertThat(wire.rest()).contains("one ", "two").endsWith("data: [DONE]\n\n");
    }
    try (var wire = begin("paragraph", INPUT, "Accept: application/json")) {
      upstream.take().json(200, Chat.answer("whole"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).isEqualTo(Chat.answer("whole"));
    }
    try (var wire = begin("patient", INPUT, "Accept: text/event-stream")) {
      say(upstream.take(), "one");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).contains("one");
    }
  }

  @Test
  void countsAStreamByItsFirstContent() throws Exception {
    try (var wire = begin("hasty", INPUT, "Accept: text/event-stream", "Meanwhile-Budget: 60s")) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("{\"role\":\"assistant\"}", "null"));
      assertThat(wire.status()).isEqualTo(200);
      // The headers came before the budget was over, the content does after it.
      wire.event();
      overdue();
      call.event(Chat.chunk("late"));
      wire.event();
      assertThat(metrics())
          .contains("meanwhile_budget_total{operation=\"hasty\",outcome=\"late\"} 1.0")
          .doesNotContain("operation=\"hasty\",outcome=\"within\"");
    }
    try (var wire = begin("paragraph", INPUT, "Meanwhile-Budget: 60s")) {
      Exchange call = upstream.take();
      say(call, "one");
      assertThat(wire.status()).isEqualTo(200);
      wire.rest();
    }
    assertThat(metrics()).contains("{operation=\"paragraph\",outcome=");
  }

  @Test
  void answers202WhereNobodyWaits() throws Exception {
    var answer = call("report", INPUT);
    assertThat(answer.statusCode()).isEqualTo(202);
    String run = header(answer, "meanwhile-run");
    assertThat(header(answer, "location")).endsWith("/v1/chat/completions/" + run);
    assertThat(answer.headers().firstValue("preference-applied")).isEmpty();
    assertThat(header(answer, "server-timing")).endsWith("budget;dur=300000");
    say(upstream.take(), "done");
    assertThat(snapshot(run).at("/budget/late").asBoolean(true)).isFalse();
    assertThat(snapshot(run).path("text").asString()).isEqualTo("done");
    assertThat(snapshot(run).path("operation").asString()).isEqualTo("report");
    try (var wire = begin("report", INPUT, "Prefer: wait=60")) {
      say(upstream.take(), "soon");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("preference-applied")).isEqualTo("wait=60");
      assertThat(wire.header("server-timing")).endsWith("budget;dur=300000;desc=\"within\"");
      assertThat(wire.rest()).contains("\"soon\"");
    }
    var asked = call("patient", INPUT, "Prefer", "respond-async");
    assertThat(asked.statusCode()).isEqualTo(202);
    assertThat(header(asked, "preference-applied")).isEqualTo("respond-async");
  }

  @Test
  void cancelsWhatNobodyWaitsForWhenItsBudgetIsOver() throws Exception {
    var answer = call("brief", INPUT);
    assertThat(answer.statusCode()).isEqualTo(202);
    String run = header(answer, "meanwhile-run");
    Exchange call = upstream.take();
    call.stream();
    call.event(Chat.chunk("half"));
    call.awaitGone();
    JsonNode ended = snapshot(run);
    assertThat(ended.path("status").asString()).isEqualTo("cancelled");
    assertThat(ended.path("text").asString()).isEqualTo("half");
    assertThat(ended.at("/error/code").asString()).isEqualTo("expired");
    var monitor = gateway.get("/v1/chat/completions/" + run, "Authorization", SHOP);
    assertThat(monitor.statusCode()).isEqualTo(504);
    assertThat(header(monitor, "x-should-retry")).isEqualTo("false");
    FailuresTest.error(monitor.body(), "expired");
    var shorter = call("report", INPUT, "Meanwhile-Budget", "50ms");
    Exchange its = upstream.take();
    overdue();
    say(its, "late");
    assertThat(snapshot(header(shorter, "meanwhile-run")).path("status").asString())
        .as("without expire it goes on")
        .isEqualTo("completed");
    try (var wire = begin("brief", INPUT, "Prefer: wait=60", "Meanwhile-Budget: 60s")) {
      its = upstream.take();
      its.stream();
      its.event(Chat.chunk("half"));
      its.awaitGone();
      assertThat(wire.status()).isEqualTo(504);
      assertThat(wire.header("x-should-retry")).isEqualTo("false");
    }
    try (var waits = begin("brief", INPUT, "Accept: text/event-stream")) {
      its = upstream.take();
      overdue();
      overdue();
      say(its, "watched");
      assertThat(waits.status()).isEqualTo(200);
      assertThat(waits.rest()).contains("watched");
    }
  }

  @Test
  void tellsThatWhatNobodyWaitedForWasLate() throws Exception {
    var answer = call("report", INPUT, "Meanwhile-Budget", "50ms", "Meanwhile-Channel", "user:1");
    assertThat(answer.statusCode()).as("the budget is no time to wait").isEqualTo(202);
    String run = header(answer, "meanwhile-run");
    Exchange call = upstream.take();
    JsonNode under = json(gateway.get("/v1/runs/" + run, "Authorization", SHOP).body());
    assertThat(under.at("/budget/late").isNull()).as("not told before the end").isTrue();
    overdue();
    say(call, "late");
    JsonNode budget = snapshot(run).path("budget");
    assertThat(budget.path("total_ms").asInt()).isEqualTo(50);
    assertThat(budget.path("late").asBoolean()).isTrue();
    JsonNode listed = json(gateway.get("/v1/runs", "Authorization", SHOP).body());
    assertThat(listed.at("/data/0/budget")).isEqualTo(budget);
    var monitor = gateway.get("/v1/chat/completions/" + run, "Authorization", SHOP);
    assertThat(header(monitor, "server-timing")).endsWith("budget;dur=50;desc=\"late\"");
    try (var feed = gateway.wire().get("/v1/feeds/user:1", "Authorization: " + SHOP)) {
      assertThat(feed.status()).isEqualTo(200);
      assertThat(feed.event()).contains(run, "completed", "\"late\":true");
    }
    String counted = "meanwhile_budget_total{operation=\"report\",outcome=";
    assertThat(metrics()).contains(counted + "\"late\"} 1.0").doesNotContain(counted + "\"w");
    String second = header(call("report", INPUT), "meanwhile-run");
    say(upstream.take(), "in time");
    assertThat(snapshot(second).at("/budget/late").asBoolean(true)).isFalse();
    assertThat(metrics()).contains(counted + "\"late\"} 1.0", counted + "\"within\"} 1.0");
  }

  @Test
  void waitsForWhatIsLateWhere202IsNotAllowed() throws Exception {
    try (var wire = begin("hasty", INPUT)) {
      Exchange call = upstream.take();
      overdue();
      call.json(200, Chat.answer("late"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("server-timing")).contains("budget;dur=50;desc=\"late\"");
      wire.rest();
    }
    assertThat(metrics())
        .contains("meanwhile_budget_total{operation=\"hasty\",outcome=\"late\"} 1.0");
  }

  @Test
  void detachesWhere202IsAllowed() throws Exception {
    var byKey = as("Bearer mw-bank", "/v1/operations/hasty", INPUT);
    assertThat(byKey.statusCode()).isEqualTo(202);
    assertThat(header(byKey, "server-timing")).contains("budget;dur=50;desc=\"detached\"");
    var byHeader = call("hasty", INPUT, "Prefer", "respond-async");
    assertThat(byHeader.statusCode()).isEqualTo(202);
    var byOperation = call("leaving", INPUT);
    assertThat(byOperation.statusCode()).isEqualTo(202);
    assertThat(metrics())
        .contains("meanwhile_budget_total{operation=\"hasty\",outcome=\"detached\"} 2.0")
        .contains("meanwhile_budget_total{operation=\"leaving\",outcome=\"detached\"} 1.0");
    for (int i = 0; i < 3; i++) {
      say(upstream.take(), "whole");
    }
    assertThat(snapshot(header(byOperation, "meanwhile-run")).path("text").asString())
        .isEqualTo("whole");
    assertThat(upstream.calls()).isEqualTo(3);
    // The caller bounds the budget, it does not raise it.
    var shorter = call("leaving", INPUT, "Meanwhile-Budget", "20ms");
    assertThat(header(shorter, "server-timing")).contains("budget;dur=20;");
    var longer = call("leaving", INPUT, "Meanwhile-Budget", "60s");
    assertThat(header(longer, "server-timing")).contains("budget;dur=50;");
  }

  @Test
  void failsAtTheBudget() throws Exception {
    var answer = call("failing", INPUT);
    assertThat(answer.statusCode()).isEqualTo(504);
    FailuresTest.error(answer.body(), "budget_exceeded");
    assertThat(header(answer, "x-should-retry")).isEqualTo("false");
    assertThat(header(answer, "server-timing")).contains("budget;dur=50;desc=\"late\"");
    assertThat(answer.body()).contains(header(answer, "meanwhile-run"));
    // Who left so has left: what nobody waits for is stopped.
    upstream.take().awaitGone();
    try (var wire =
        begin("failing", INPUT, "Meanwhile-Budget: 50ms", "Prefer: wait=60, respond-async")) {
      say(upstream.take(), "in time");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("in time");
    }
  }

  @Test
  void answersTheConstantAtTheBudget() throws Exception {
    var answer = call("falling", INPUT);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "meanwhile-fallback")).isEqualTo("value");
    assertThat(header(answer, "server-timing")).contains("desc=\"late\"");
    JsonNode whole = json(answer.body());
    assertThat(whole.path("object").asString()).isEqualTo("chat.completion");
    assertThat(whole.at("/choices/0/message/content").asString()).isEqualTo("Nothing \"yet\"");
    assertThat(whole.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
    upstream.take().awaitGone();
    try (var wire =
        begin("falling", INPUT, "Meanwhile-Budget: 50ms", "Accept: text/event-stream")) {
      // Who has the answer as it comes waits for nothing.
      Exchange call = upstream.take();
      overdue();
      say(call, "late");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("meanwhile-fallback")).isNull();
      assertThat(wire.rest()).contains("late");
    }
    assertThat(metrics())
        .contains("meanwhile_budget_total{operation=\"falling\",outcome=\"late\"} 2.0");
  }

  @Test
  void answersTheConstantInTheWordsOfResponses() throws Exception {
    var answer =
        as(
            SHOP,
            "/v1/responses",
            "{\"prompt\":{\"id\":\"falling\",\"variables\":{\"text\":\"x\"}},\"store\":false}");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "meanwhile-fallback")).isEqualTo("value");
    JsonNode response = json(answer.body());
    assertThat(response.path("object").asString()).isEqualTo("response");
    assertThat(response.at("/output/0/content/0/text").asString()).isEqualTo("Nothing \"yet\"");
  }

  @Test
  void keepsItsOwnClocks() throws Exception {
    try (var wire = begin("watched", INPUT)) {
      Exchange call = upstream.take();
      assertThat(json(call.body()).path("stream").asBoolean()).isTrue();
      FailuresTest.error(wire, 504, "upstream_first_content_timeout");
    }
  }

  @Test
  void asksForTheSchemaInItsOrder() throws Exception {
    try (var wire = begin("fields", INPUT)) {
      Exchange call = upstream.take();
      assertThat(call.body())
          .contains(
              "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"fields\",\"strict\":true,\"schema\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},\"a\":{\"type\":\"integer\"}},\"required\":[\"b\",\"a\"],\"additionalProperties\":false}}}");
      call.json(200, Chat.answer("{}"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void putsImagesAndFilesWhereTheyStand() throws Exception {
    String input =
        "{\"question\":\"What?\",\"photo\":\"https://x/y.png\",\"paper\":\"data:application/pdf;base64,QQ==\"}";
    try (var wire = begin("look", input)) {
      Exchange call = upstream.take();
      assertThat(json(call.body()).at("/messages/0/content"))
          .isEqualTo(
              json(
                  "[{\"type\":\"text\",\"text\":\"Look at \"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}},{\"type\":\"text\",\"text\":\" and \"},{\"type\":\"file\",\"file\":{\"file_data\":\"data:application/pdf;base64,QQ==\",\"filename\":\"paper.pdf\"}},{\"type\":\"text\",\"text\":\": What?\"}]"));
      call.json(200, Chat.answer("a"));
      assertThat(wire.status()).isEqualTo(200);
    }
    for (String wrong : List.of("\"file:///etc/passwd\"", "\"x\"", "1", "null", "{}")) {
      refused(
          400, "invalid_variable", "look", input.replace("\"https://x/y.png\"", wrong), "photo");
    }
    refused(
        400,
        "invalid_variable",
        "look",
        input.replace("data:application/pdf;base64,QQ==", "https://x/y.pdf"),
        "paper");
  }

  @Test
  void refusesWhatItCannotFillIn() throws Exception {
    refused(400, "missing_variable", "patient", "{}", "text");
    refused(400, "missing_variable", "patient", "", "text");
    refused(400, "unknown_variable", "patient", "{\"text\":\"x\",\"txet\":1}", "txet");
    refused(400, "invalid_variable", "patient", "{\"text\":null}", "text");
    for (String malformed : List.of("{", "[]", "\"x\"", "{\"text\":\"x\"} more", "nul")) {
      refused(400, "invalid_json", "patient", malformed, null);
    }
    refused(413, "body_too_large", "patient", "{\"text\":\"" + "x".repeat(70_000) + "\"}", null);
    refused(404, "operation_not_found", "pateint", "{}", null);
    assertThat(call("pateint", "{}").body()).contains("did you mean 'patient'");
    refused(400, "operation_without_prompt", "tag", "{}", null);
    try (var wire =
        gateway
            .wire()
            .send(
                "POST /v1/operations/patient HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
                    + SHOP
                    + "\r\nContent-Length: 100\r\n\r\n{\"text\"")) {
      wire.leave();
    }
    assertThat(upstream.calls()).isZero();
  }

  private void refused(int status, String code, String name, String input, @Nullable String param)
      throws Exception {
    var answer = call(name, input);
    assertThat(answer.statusCode()).as(input).isEqualTo(status);
    JsonNode error = FailuresTest.error(answer.body(), code);
    if (param != null) {
      assertThat(error.path("param").asString()).isEqualTo(param);
      assertThat(error.path("message").asString()).contains("'" + param + "'");
    }
  }

  @Test
  void takesNoInputWhereThereIsNoVariable() throws Exception {
    try (var wire = begin("constant", "")) {
      upstream.take().json(200, Chat.answer("ha"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void isOneCallUnderOneKey() throws Exception {
    try (var wire = begin("patient", INPUT, "Idempotency-Key: k-1")) {
      upstream.take().json(200, Chat.answer("once"));
      assertThat(wire.status()).isEqualTo(200);
      wire.rest();
    }
    var again = call("patient", INPUT, "Idempotency-Key", "k-1");
    assertThat(header(again, "idempotency-replayed")).isEqualTo("true");
    assertThat(again.body()).isEqualTo(Chat.answer("once"));
    assertThat(call("patient", "{\"text\":\"other\"}", "Idempotency-Key", "k-1").statusCode())
        .isEqualTo(422);
    // Another operation is another route.
    assertThat(call("report", INPUT, "Idempotency-Key", "k-1").statusCode()).isEqualTo(202);
    assertThat(upstream.take().body()).contains("Report on");
    assertThat(upstream.calls()).isEqualTo(2);
  }

  @Test
  void anSdksRetryFindsItsOwnOperationOnly() throws Exception {
    String retry = "X-Stainless-Retry-Count: ";
    try (var first = begin("patient", INPUT, retry + 0)) {
      Exchange call = upstream.take();
      var second = begin("patient", INPUT, retry + 1);
      // The same body, for another operation.
      var other = begin("failing", INPUT, retry + 1, "Prefer: respond-async, wait=60");
      say(upstream.take(), "other");
      call.json(200, Chat.answer("sum"));
      assertThat(first.status()).isEqualTo(200);
      assertThat(first.rest()).contains("sum");
      assertThat(second.status()).isEqualTo(200);
      assertThat(second.rest()).contains("sum");
      assertThat(other.status()).isEqualTo(200);
      assertThat(other.rest()).contains("other");
      second.close();
      other.close();
    }
    assertThat(upstream.calls()).isEqualTo(2);
  }

  @Test
  void belongsToItsTenant() throws Exception {
    assertThat(gateway.post("/v1/operations/report", INPUT).statusCode()).isEqualTo(401);
    assertThat(gateway.get("/v1/operations").statusCode()).isEqualTo(401);
    String run = header(call("report", INPUT), "meanwhile-run");
    assertThat(gateway.get("/v1/runs/" + run, "Authorization", "Bearer mw-bank").statusCode())
        .isEqualTo(404);
  }

  @Test
  void isDescribedWithoutItsPrompt() throws Exception {
    JsonNode list = json(gateway.get("/v1/operations", "Authorization", SHOP).body());
    assertThat(list.path("data").size()).isEqualTo(13);
    var one = gateway.get("/v1/operations/look", "Authorization", SHOP);
    assertThat(one.body()).doesNotContain("Look at");
    assertThat(json(one.body()).path("variables"))
        .isEqualTo(json("{\"photo\":\"image\",\"paper\":\"file\",\"question\":\"text\"}"));
    JsonNode stream = json(gateway.get("/v1/operations/paragraph", "Authorization", SHOP).body());
    assertThat(stream.path("for").asString()).isEqualTo("stream");
    assertThat(stream.path("deliver").asString()).isEqualTo("stream");
    assertThat(stream.path("budget")).isEqualTo(json("{\"total_ms\":null,\"first_token_ms\":500}"));
    var none = gateway.get("/v1/operations/lok", "Authorization", SHOP);
    assertThat(none.statusCode()).isEqualTo(404);
    FailuresTest.error(none.body(), "operation_not_found");
    assertThat(none.body()).contains("did you mean 'look'");
  }

  @Test
  void aTaggedCallKeepsItsQuestionAndTakesThePolicies() throws Exception {
    var late = as(SHOP, "/v1/chat/completions", Chat.plain("mine"), "Meanwhile-Operation", "tag");
    assertThat(late.statusCode()).isEqualTo(504);
    FailuresTest.error(late.body(), "budget_exceeded");
    Exchange call = upstream.take();
    assertThat(call.body()).isEqualTo(Chat.plain("mine"));
    assertThat(call.header("meanwhile-operation")).isNull();
    var embedding =
        as(
            SHOP,
            "/v1/embeddings",
            "{\"model\":\"e\",\"input\":\"a\"}",
            "Meanwhile-Operation",
            "tag");
    assertThat(embedding.statusCode()).isEqualTo(504);
    var response =
        as(
            SHOP,
            "/v1/responses",
            "{\"model\":\"m\",\"input\":\"a\"}",
            "Meanwhile-Operation",
            "tag");
    assertThat(response.statusCode()).isEqualTo(504);
    var unknown =
        as(SHOP, "/v1/chat/completions", Chat.plain("mine"), "Meanwhile-Operation", "tagg");
    assertThat(unknown.statusCode()).isEqualTo(404);
    assertThat(FailuresTest.error(unknown.body(), "operation_not_found").path("param").asString())
        .isEqualTo("Meanwhile-Operation");
    assertThat(metrics())
        .contains("meanwhile_budget_total{operation=\"tag\",outcome=\"late\"} 3.0");
  }

  @Test
  void isThePromptOfAResponse() throws Exception {
    String body =
        "{\"prompt\":{\"id\":\"paragraph\",\"variables\":{\"text\":{\"type\":\"input_text\",\"text\":\"Once\"}}},\"input\":\"Be brief.\",\"temperature\":1}";
    String id;
    try (var wire = gateway.wire().post("/v1/responses", body, "Authorization: " + SHOP)) {
      Exchange call = upstream.take();
      JsonNode asked = json(call.body());
      assertThat(asked.path("model").asString()).isEqualTo("m-1");
      assertThat(asked.path("messages"))
          .isEqualTo(
              json(
                  "[{\"role\":\"system\",\"content\":\"You write.\"},{\"role\":\"user\",\"content\":\"Go on: Once\"},{\"role\":\"user\",\"content\":\"Be brief.\"}]"));
      assertThat(asked.path("temperature").asInt()).isEqualTo(1);
      assertThat(asked.path("stop")).isEqualTo(json("[\"END\"]"));
      call.json(200, Chat.answer("said"));
      assertThat(wire.status()).isEqualTo(200);
      JsonNode response = json(wire.rest());
      id = response.path("id").asString();
      assertThat(response.path("model").asString()).isEqualTo("m");
      assertThat(response.at("/output/0/content/0/text").asString()).isEqualTo("said");
    }
    // What was asked is kept written out: later turns go on from it.
    try (var wire =
        gateway
            .wire()
            .post(
                "/v1/responses",
                "{\"model\":\"m\",\"input\":\"And?\",\"previous_response_id\":\"" + id + "\"}",
                "Authorization: " + SHOP)) {
      Exchange call = upstream.take();
      assertThat(call.body()).contains("Go on: Once", "Be brief.", "said", "And?");
      call.json(200, Chat.answer("more"));
      assertThat(wire.status()).isEqualTo(200);
    }
    refusedResponse(404, "operation_not_found", "{\"prompt\":{\"id\":\"paragrap\"}}");
    refusedResponse(400, "missing_variable", "{\"prompt\":{\"id\":\"paragraph\"}}");
    refusedResponse(
        400,
        "unsupported_parameter",
        "{\"prompt\":{\"id\":\"paragraph\",\"version\":\"2\",\"variables\":{\"text\":\"x\"}}}");
    refusedResponse(400, "unsupported_parameter", "{\"input\":\"x\",\"prompt\":\"paragraph\"}");
    refusedResponse(
        400, "invalid_json", "{\"prompt\":{\"id\":\"paragraph\",\"variables\":{\"text\":\"x\"}},");
    refusedResponse(
        400,
        "invalid_type",
        "{\"prompt\":{\"id\":\"paragraph\",\"variables\":{\"text\":\"x\"}},\"input\":5}");
  }

  private void refusedResponse(int status, String code, String body) throws Exception {
    var answer = as(SHOP, "/v1/responses", body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    FailuresTest.error(answer.body(), code);
  }

  @Test
  void isCalledWithItsCallersOwnKeyWhereItOutlivesNothing() throws Exception {
    try (var open =
            Gateway.configured(
                """
                upstreams: {only: {base-url: '%s'}}
                operations:
                  leaving: {deliver: sync, budget: {total: 1ms}, at-budget: detach, model: m, prompt: '{{text}}'}
                  later: {for: background, model: m, prompt: '{{text}}'}
                """
                    .formatted(upstream.url()));
        var wire =
            open.wire().post("/v1/operations/leaving", INPUT, "Authorization: Bearer sk-mine")) {
      Exchange call = upstream.take();
      assertThat(call.header("authorization")).isEqualTo("Bearer sk-mine");
      overdue();
      call.json(200, Chat.answer("late"));
      assertThat(wire.status()).isEqualTo(200);
      var later = open.post("/v1/operations/later", INPUT, "Authorization", "Bearer sk-mine");
      assertThat(later.statusCode()).isEqualTo(400);
      FailuresTest.error(later.body(), "upstream_key_required");
    }
  }
}
