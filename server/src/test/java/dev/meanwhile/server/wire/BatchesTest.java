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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/// Many calls of an operation at once: taken in whole or not at all, made as there is room, told of
/// once.
class BatchesTest {
  private static final String BATCH = "/v1/operations/label/batch";
  private static final String[] SHOP = {"Authorization", "Bearer mw-shop"};
  private static final String[] BANK = {"Authorization", "Bearer mw-bank"};

  @TempDir private Path data;

  /// Whether the upstream answers; else its calls wait until [#answer].
  private final AtomicBoolean answering = new AtomicBoolean(true);

  private final CountDownLatch answered = new CountDownLatch(1);
  private final RawUpstream upstream = RawUpstream.start(this::answer);
  private final RawUpstream sink = RawUpstream.start(call -> call.json(200, "{}"));

  @AfterEach
  void close() {
    answer();
    upstream.close();
    sink.close();
  }

  private void answer() {
    answering.set(true);
    answered.countDown();
  }

  /// Says what it was asked. What begins with `bad` is refused.
  private void answer(Exchange call) throws IOException {
    if (call.line().startsWith("GET ")) {
      call.json(200, "{}");
      return;
    }
    String asked = json(call.body()).path("messages").path(0).path("content").asString();
    if (!answering.get()) {
      try {
        if (!answered.await(Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
          return;
        }
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
    if (asked.startsWith("Label bad")) {
      call.json(
          422, "{\"error\":{\"message\":\"no\",\"type\":\"x\",\"param\":null,\"code\":\"bad\"}}");
      return;
    }
    call.stream();
    call.event(Chat.chunk("about " + asked.substring("Label ".length())));
    call.event(Chat.stop());
    call.event(Chat.usage());
    call.done();
  }

  private Gateway gateway(String... flags) throws Exception {
    return Gateway.configured(
        data,
        """
        server: {webhooks-allow: [127.0.0.1], max-body: 4KB, max-batch: 5000}
        keys:
          - {tenant: shop, sha256: %s}
          - {tenant: bank, sha256: %s}
        upstreams: {only: {base-url: '%s', api-key: up-secret, max-background: 8, max-queued: 40}}
        operations:
          label: {for: batch, model: m-1, prompt: 'Label {{text}}'}
          tag: {for: page}
        """
            .formatted(SafetyTest.sha256("mw-shop"), SafetyTest.sha256("mw-bank"), upstream.url()),
        flags);
  }

  private static String lines(int count, IntFunction<String> text) {
    return IntStream.rangeClosed(1, count)
        .mapToObj(
            i -> "{\"id\":\"n-%d\",\"variables\":{\"text\":\"%s\"}}\n".formatted(i, text.apply(i)))
        .collect(Collectors.joining());
  }

  private static JsonNode accepted(Gateway gateway, String lines, String... more) throws Exception {
    String[] headers = Arrays.copyOf(SHOP, SHOP.length + more.length);
    System.arraycopy(more, 0, headers, SHOP.length, more.length);
    var answer = gateway.post(BATCH, lines, headers);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
    JsonNode batch = json(answer.body());
    assertThat(header(answer, "location"))
        .isEqualTo(gateway.uri("/v1/batches/" + batch.path("id").asString()).toString());
    return batch;
  }

  private static JsonNode batch(Gateway gateway, JsonNode batch) throws Exception {
    var answer = gateway.get(path(batch), SHOP);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer.body());
  }

  private static String path(JsonNode batch) {
    return "/v1/batches/" + batch.path("id").asString();
  }

  private static JsonNode ended(Gateway gateway, JsonNode batch) throws Exception {
    Eventually.until(
        "the batch ends",
        () -> {
          String status = batch(gateway, batch).path("status").asString();
          return status.equals("completed") || status.equals("cancelled");
        });
    return batch(gateway, batch);
  }

  private static void counts(JsonNode batch, int total, int completed, int failed, int cancelled) {
    JsonNode counts = batch.path("request_counts");
    assertThat(
            List.of(
                counts.path("total").asInt(),
                counts.path("completed").asInt(),
                counts.path("failed").asInt(),
                counts.path("cancelled").asInt()))
        .as(batch.toString())
        .containsExactly(total, completed, failed, cancelled);
  }

  private static List<JsonNode> read(Gateway gateway, JsonNode batch, String what)
      throws Exception {
    var answer = gateway.get(path(batch) + "/" + what, SHOP);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(header(answer, "content-type")).isEqualTo("application/jsonl");
    var lines = new ArrayList<JsonNode>();
    for (String line : answer.body().split("\n", -1)) {
      if (!line.isEmpty()) {
        lines.add(json(line));
      }
    }
    return lines;
  }

  private static String said(JsonNode line) {
    return line.path("output").path("choices").path(0).path("message").path("content").asString();
  }

  private static void refused(
      HttpResponse<String> answer, int status, String code, String... parts) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    JsonNode error = json(answer.body()).path("error");
    assertThat(error.path("code").asString()).isEqualTo(code);
    assertThat(error.path("message").asString()).contains(parts);
  }

  /// Nothing is kept of what was refused or cut off.
  private void nothingIsLeft(Gateway gateway) throws Exception {
    Eventually.until(
        "nothing is left",
        () -> json(gateway.get("/v1/runs?limit=100", SHOP).body()).path("data").isEmpty());
    assertThat(upstream.calls()).isZero();
  }

  @Test
  void callsTheOperationForEachLine() throws Exception {
    int count = 3_000;
    try (var gateway = gateway()) {
      JsonNode batch =
          accepted(gateway, lines(count, i -> i % 1_000 == 7 ? "bad " + i : "text " + i));
      assertThat(batch.path("object").asString()).isEqualTo("batch");
      assertThat(batch.path("operation").asString()).isEqualTo("label");
      assertThat(batch.path("eta_ms").isNumber()).isTrue();
      JsonNode end = ended(gateway, batch);
      counts(end, count, count - 3, 3, 0);
      assertThat(end.path("status").asString()).isEqualTo("completed");
      assertThat(end.path("completed_at").isNumber()).isTrue();
      assertThat(end.path("eta_ms").isNull()).isTrue();
      List<JsonNode> results = read(gateway, end, "results");
      assertThat(results)
          .extracting(it -> it.path("line").asInt())
          .isEqualTo(IntStream.rangeClosed(1, count).boxed().toList());
      JsonNode one = results.get(41);
      assertThat(one.path("id").asString()).isEqualTo("n-42");
      assertThat(one.path("status").asString()).isEqualTo("completed");
      assertThat(said(one)).isEqualTo("about text 42");
      assertThat(one.path("error").isNull()).isTrue();
      List<JsonNode> errors = read(gateway, end, "errors");
      assertThat(errors)
          .extracting(it -> it.path("id").asString())
          .containsExactly("n-7", "n-1007", "n-2007");
      JsonNode first = errors.getFirst();
      assertThat(first.path("status").asString()).isEqualTo("failed");
      assertThat(first.path("output").isNull()).isTrue();
      assertThat(first.path("error").path("status").asInt()).isEqualTo(422);
      assertThat(upstream.calls()).isEqualTo(count);
      Exchange call = upstream.take();
      assertThat(call.header("content-type")).isEqualTo("application/json");
      assertThat(call.header("authorization")).isEqualTo("Bearer up-secret");
    }
  }

  @Test
  void identicalLinesAreOneCall() throws Exception {
    try (var gateway = gateway()) {
      JsonNode batch =
          accepted(
              gateway,
              """
              {"variables":{"text":"a"}}

              {"variables": {"text": "\\u0061"}}\r
              {"id":"third","variables":{"text":"b"}}
              {"variables":{"text":"a"}}\
              """);
      counts(ended(gateway, batch), 4, 4, 0, 0);
      assertThat(upstream.calls()).isEqualTo(2);
      assertThat(read(gateway, batch, "results"))
          .extracting(it -> it.path("id").asString() + " " + said(it))
          .containsExactly("1 about a", "3 about a", "third about b", "5 about a");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"variables\":{\"text\":1}|invalid_json|Line 3",
        "[1]|invalid_json|Line 3",
        "{\"custom_id\":\"a\",\"variables\":{\"text\":\"x\"}}|unsupported_parameter|'custom_id'",
        "{\"id\":7,\"variables\":{\"text\":\"x\"}}|invalid_parameter|`id`",
        "{\"id\":\"\",\"variables\":{\"text\":\"x\"}}|invalid_parameter|`id`",
        "{\"id\":\"a\\u0000\",\"variables\":{\"text\":\"x\"}}|invalid_parameter|`id`",
        "{}|missing_variable|'text'",
        "{\"variables\":{\"text\":\"x\",\"more\":1}}|unknown_variable|'more'",
        "{\"variables\":[]}|invalid_json|Line 3",
        "{\"id\":\"n-1\",\"variables\":{\"text\":\"x\"}}|repeated_id|line 1"
      })
  void aLineThatWillNotDoRefusesAllAndIsNamed(String line, String code, String part)
      throws Exception {
    try (var gateway = gateway()) {
      refused(
          gateway.post(BATCH, lines(2, i -> "text " + i) + line + "\n" + lines(1, _ -> "y"), SHOP),
          400,
          code,
          "Line 3",
          part.equals("Line 3") ? "Nothing" : part);
      nothingIsLeft(gateway);
    }
  }

  @Test
  void whatIsTooMuchIsRefused() throws Exception {
    try (var gateway = gateway()) {
      refused(
          gateway.post(BATCH, lines(5_001, i -> "t" + i), SHOP),
          413,
          "batch_too_large",
          "Line 5,001");
      refused(
          gateway.post(BATCH, lines(2, i -> "t" + i) + lines(1, _ -> "x".repeat(5_000)), SHOP),
          413,
          "line_too_large",
          "Line 3");
      refused(gateway.post(BATCH, "", SHOP), 400, "batch_empty", "no line");
      refused(gateway.post(BATCH, "\n \r\n\n", SHOP), 400, "batch_empty", "no line");
      nothingIsLeft(gateway);
    }
    try (var gateway = gateway("--max-data=1MB", "--max-body=1MB")) {
      refused(
          gateway.post(BATCH, lines(8, i -> i + "x".repeat(200_000)), SHOP),
          413,
          "batch_too_large",
          "max-data");
      nothingIsLeft(gateway);
    }
  }

  @Test
  void whatIsCutOffOrTooSlowLeavesNothing() throws Exception {
    try (var gateway = gateway("--body-timeout=200ms")) {
      String some = lines(700, i -> "text " + i);
      String head =
          "POST "
              + BATCH
              + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer mw-shop\r\n"
              + "Transfer-Encoding: chunked\r\n\r\n"
              + Integer.toHexString(some.length())
              + "\r\n"
              + some
              + "\r\n";
      try (var slow = gateway.wire()) {
        assertThat(slow.send(head).status()).isEqualTo(408);
        assertThat(slow.rest()).contains("body_too_slow");
      }
      nothingIsLeft(gateway);
    }
    try (var gateway = gateway()) {
      String some = lines(700, i -> "text " + i);
      Wire cut = gateway.wire();
      cut.send(
          "POST "
              + BATCH
              + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer mw-shop\r\n"
              + "Content-Length: "
              + (some.length() + 10)
              + "\r\n\r\n"
              + some);
      Eventually.until(
          "its first lines are stored",
          () -> !json(gateway.get("/v1/runs", SHOP).body()).path("data").isEmpty());
      cut.leave();
      nothingIsLeft(gateway);
    }
  }

  @Test
  void aBatchDoesNotFillTheQueueAndGoesLast() throws Exception {
    answering.set(false);
    try (var gateway = gateway()) {
      JsonNode batch = accepted(gateway, lines(500, i -> "text " + i));
      Eventually.until("eight calls are under way", () -> upstream.calls() == 8);
      // Of 40 that may wait the batch has 20.
      var first =
          gateway.chat(Chat.plain("Label at once"), SHOP[0], SHOP[1], "Prefer", "respond-async");
      assertThat(first.statusCode()).as(first.body()).isEqualTo(202);
      for (int i = 0; i < 8; i++) {
        upstream.take();
      }
      answer();
      // Other loops may be faster to make their calls; not by so much.
      var next = new ArrayList<String>();
      for (int i = 0; i < 250; i++) {
        next.add(upstream.take().body());
      }
      assertThat(next).anyMatch(it -> it.contains("at once"));
      counts(ended(gateway, batch), 500, 500, 0, 0);
    }
  }

  @Test
  void stopsInTheMiddle() throws Exception {
    answering.set(false);
    try (var gateway = gateway()) {
      JsonNode batch = accepted(gateway, lines(1_500, i -> "text " + i));
      Eventually.until("eight calls are under way", () -> upstream.calls() == 8);
      JsonNode stopping = json(gateway.post(path(batch) + "/cancel", "", SHOP).body());
      assertThat(stopping.path("status").asString()).isIn("cancelling", "cancelled");
      JsonNode end = ended(gateway, batch);
      assertThat(end.path("status").asString()).isEqualTo("cancelled");
      assertThat(end.path("cancelled_at").isNumber()).isTrue();
      counts(end, 1_500, 0, 0, 1_500);
      // A place that is given up may be taken once more before that one is stopped too.
      assertThat(upstream.calls()).isBetween(8, 16);
      assertThat(read(gateway, end, "results"))
          .hasSize(1_500)
          .allMatch(it -> it.path("status").asString().equals("cancelled"));
      assertThat(read(gateway, end, "errors")).hasSize(1_500);
      // Once more it is as it was.
      assertThat(json(gateway.post(path(batch) + "/cancel", "", SHOP).body())).isEqualTo(end);
    }
  }

  @Test
  void goesOnAfterARestartAndTellsOnce() throws Exception {
    answering.set(false);
    JsonNode batch;
    String endpoint;
    try (var gateway = gateway()) {
      endpoint = register(gateway);
      batch =
          accepted(
              gateway,
              lines(300, i -> "text " + i % 200),
              "Meanwhile-Webhook",
              endpoint,
              "Meanwhile-Channel",
              "ann");
      Eventually.until("eight calls are under way", () -> upstream.calls() == 8);
    }
    answer();
    try (var gateway = gateway()) {
      counts(ended(gateway, batch), 300, 300, 0, 0);
      Exchange told = sink.take();
      JsonNode event = json(told.body());
      assertThat(event.path("type").asString()).isEqualTo("batch.completed");
      assertThat(event.path("data").path("id")).isEqualTo(batch.path("id"));
      // Those that were under way are called again, and no other.
      assertThat(upstream.calls()).isBetween(200, 208);
      assertThat(read(gateway, batch, "results"))
          .hasSize(300)
          .allMatch(it -> said(it).startsWith("about text"));
      String run = "run_" + batch.path("id").asString().substring("batch_".length());
      assertThat(json(gateway.get("/v1/runs/" + run, SHOP).body()).path("status").asString())
          .isEqualTo("completed");
      assertThat(sink.calls()).isEqualTo(1);
    }
  }

  private String register(Gateway gateway) throws Exception {
    var answer =
        gateway.post(
            "/v1/webhook_endpoints",
            "{\"name\":\"hook\",\"url\":\"http://127.0.0.1:%d/hook\",\"event_types\":[\"response.completed\",\"batch.completed\"]}"
                .formatted(sink.port()),
            SHOP);
    return json(answer.body()).path("id").asString();
  }

  @Test
  void isItsTenantsAlone() throws Exception {
    try (var gateway = gateway()) {
      JsonNode batch = accepted(gateway, lines(2, i -> "text " + i));
      ended(gateway, batch);
      for (String each : List.of("", "/results", "/errors")) {
        refused(gateway.get(path(batch) + each, BANK), 404, "batch_not_found", "no batch");
      }
      refused(gateway.post(path(batch) + "/cancel", "", BANK), 404, "batch_not_found", "no batch");
      assertThat(gateway.get(path(batch)).statusCode()).isEqualTo(401);
      refused(delete(gateway, path(batch), BANK), 404, "batch_not_found", "no batch");
      assertThat(delete(gateway, path(batch), SHOP).body()).contains("\"deleted\":true");
      refused(gateway.get(path(batch), SHOP), 404, "batch_not_found", "no batch");
      nothingButCalls(gateway);
    }
  }

  private static void nothingButCalls(Gateway gateway) throws Exception {
    Eventually.until(
        "its lines are erased",
        () -> json(gateway.get("/v1/runs", SHOP).body()).path("data").isEmpty());
  }

  private static HttpResponse<String> delete(Gateway gateway, String path, String... headers)
      throws Exception {
    return gateway.send(gateway.request(path, headers).DELETE().build());
  }

  @Test
  void whatHasNotEndedHasNoResults() throws Exception {
    answering.set(false);
    try (var gateway = gateway()) {
      JsonNode batch = accepted(gateway, lines(2, i -> "text " + i));
      assertThat(batch.path("results").isNull()).isTrue();
      refused(gateway.get(path(batch) + "/results", SHOP), 400, "batch_not_ended", "0 of 2");
      refused(gateway.get(path(batch) + "/errors", SHOP), 400, "batch_not_ended", "0 of 2");
      refused(delete(gateway, path(batch), SHOP), 400, "batch_not_ended", "cancel");
      answer();
      assertThat(ended(gateway, batch).path("results").asString()).endsWith("/results");
    }
  }

  @Test
  void whatCannotBeABatchIsSaidBeforeItIsRead() throws Exception {
    try (var gateway = gateway()) {
      refused(
          gateway.post("/v1/operations/lable/batch", "{}", SHOP),
          404,
          "operation_not_found",
          "'label'");
      refused(
          gateway.post("/v1/operations/tag/batch", "{}", SHOP),
          400,
          "operation_without_prompt",
          "tag");
      refused(
          gateway.post(BATCH, "{}", SHOP[0], SHOP[1], "Idempotency-Key", "a"),
          400,
          "unsupported_parameter",
          "Idempotency-Key");
      refused(
          gateway.post(BATCH, "{}", SHOP[0], SHOP[1], "Meanwhile-Webhook", "whe_none"),
          404,
          "webhook_endpoint_not_found",
          "Register");
      nothingIsLeft(gateway);
      assertThat(gateway.get("/v1/batches/batch_67abc", SHOP).statusCode()).isEqualTo(200);
      assertThat(upstream.take().line()).startsWith("GET /v1/batches/batch_67abc");
    }
    try (var gateway =
        Gateway.configured(
            data,
            "{upstreams: {only: {base-url: '%s'}}, operations: {label: {for: batch, model: m, prompt: '{{text}}'}}}"
                .formatted(upstream.url()))) {
      refused(
          gateway.post(BATCH, lines(1, _ -> "x"), "Authorization", "Bearer mine"),
          400,
          "upstream_key_required",
          "key");
    }
  }
}
