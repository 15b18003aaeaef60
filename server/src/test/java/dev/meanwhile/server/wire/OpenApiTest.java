package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Description;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.route.Route;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.openapi.contract.OpenAPIVersion;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `openapi.json` says what the server does.
class OpenApiTest {
  private static final String[] SHOP = {"Authorization", "Bearer mw-shop"};
  private static final String[] NOBODY = {};
  private static final Pattern CODE = Pattern.compile("\\b[45]\\d\\d,\\s*\"([a-z_]+[a-z])\"");
  private static final Pattern OWN_HEADER = Pattern.compile("\"(meanwhile-[a-z-]+)\"");
  private static final Pattern QUOTED = Pattern.compile("`([a-z_]+)`");

  @TempDir private Path data;
  private final Description described = Description.read();
  private final Set<String> asked = new HashSet<>();

  @Test
  void describesTheRoutesAndNothingElse() {
    Set<String> routes =
        Arrays.stream(Route.values())
            .map(route -> route.method() + " " + route.path())
            .collect(Collectors.toSet());
    Set<String> own = new HashSet<>();
    described
        .operations()
        .forEach((name, operation) -> {
          if (!operation.getBoolean("x-relayed", false)) {
            own.add(name);
          }
        });
    assertThat(own).isEqualTo(routes);
  }

  @Test
  void isAnOpenApiDocument() throws Exception {
    assertThat(problemsOf(described.document())).isEmpty();
    var broken = described.document().copy();
    broken.getJsonObject("paths").getJsonObject("/health/live").getJsonObject("get").put("x", 1);
    assertThat(problemsOf(broken)).contains("x");
  }

  private static String problemsOf(JsonObject document) throws Exception {
    Vertx vertx = Vertx.vertx();
    try {
      var version = OpenAPIVersion.fromContract(document);
      var result =
          version
              .getRepository(vertx, "https://localhost/")
              .compose(repository -> version.validateContract(vertx, repository, document))
              .toCompletionStage()
              .toCompletableFuture()
              .get(Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      return result.getValid() ? "" : String.valueOf(result.getErrors());
    } finally {
      vertx.close();
    }
  }

  @Test
  void everythingReferredToIsThereAndEverythingThereIsUsed() {
    Set<String> used = new TreeSet<>();
    references(described.document(), used::add);
    Set<String> there = new TreeSet<>();
    JsonObject components = described.document().getJsonObject("components");
    for (String kind : components.fieldNames()) {
      for (String name : components.getJsonObject(kind).fieldNames()) {
        if (!kind.equals("securitySchemes")) {
          there.add("#/components/" + kind + "/" + name);
        }
      }
    }
    assertThat(used).isEqualTo(there);
    assertThat(described.operations().values().stream().map(it -> it.getString("operationId")))
        .doesNotHaveDuplicates()
        .doesNotContainNull();
  }

  private static void references(Object thing, Consumer<String> found) {
    if (thing instanceof JsonObject object) {
      if (object.getValue("$ref") instanceof String ref) {
        found.accept(ref);
      }
      object.fieldNames().forEach(name -> references(object.getValue(name), found));
    } else if (thing instanceof JsonArray array) {
      for (int i = 0; i < array.size(); i++) {
        references(array.getValue(i), found);
      }
    }
  }

  @Test
  void theCodesAreThoseOfTheErrorsPageAndOfTheCode() throws Exception {
    Set<String> onPage = new TreeSet<>();
    for (String line : Files.readAllLines(Path.of("..", "docs", "errors.md"))) {
      String[] cells = line.split("\\|", -1);
      if (cells.length > 3 && cells[1].matches(".*\\d{3}.*")) {
        matches(QUOTED, cells[2], onPage::add);
      }
    }
    Set<String> inDocument = new TreeSet<>();
    described.schema("ErrorCode").getJsonArray("enum").forEach(it -> inDocument.add((String) it));
    assertThat(inDocument).isEqualTo(onPage);
    Set<String> inCode = new TreeSet<>();
    inSources(text -> matches(CODE, text, inCode::add));
    assertThat(inCode).hasSizeGreaterThan(50);
    assertThat(onPage).containsAll(inCode);
  }

  @Test
  void ownHeadersAreDescribed() throws Exception {
    Set<String> inDocument = new TreeSet<>();
    for (String kind : List.of("parameters", "headers")) {
      for (String name : described.component(kind).fieldNames()) {
        if (name.startsWith("Meanwhile-")) {
          inDocument.add(name.toLowerCase(Locale.ROOT));
        }
      }
    }
    Set<String> inCode = new TreeSet<>();
    inSources(text -> matches(OWN_HEADER, text, inCode::add));
    assertThat(inDocument).isEqualTo(inCode);
  }

  private static void matches(Pattern pattern, String text, Consumer<String> found) {
    pattern.matcher(text).results().forEach(match -> found.accept(match.group(1)));
  }

  private static void inSources(Consumer<String> text) throws IOException {
    for (String module : List.of("server", "engine", "openai", "store")) {
      try (var files = Files.walk(Path.of("..", module, "src", "main", "java"))) {
        for (Path file : files.filter(it -> it.toString().endsWith(".java")).toList()) {
          text.accept(Files.readString(file));
        }
      }
    }
  }

  @Test
  void noticesWhatIsNotAsDescribed() {
    String line =
        "{\"id\":\"run_1\",\"object\":\"run\",\"status\":\"queued\",\"model\":null,\"created_at\":1,"
            + "\"completed_at\":null,\"budget\":null,\"attempt\":0}";
    assertThat(described.against("RunListed", line)).isEmpty();
    assertThat(described.against("RunListed", line.replace(":0}", ":\"0\"}"))).isNotEmpty();
    assertThat(described.against("RunListed", line.replace("queued", "waiting"))).isNotEmpty();
    assertThat(described.against("RunListed", line.replace("}", ",\"more\":1}"))).isNotEmpty();
    assertThat(described.against("RunListed", line.replace(",\"attempt\":0", ""))).isNotEmpty();
    Function<String, @Nullable String> json =
        name -> name.equals("content-type") ? "application/json" : null;
    String health = "{\"status\":\"ok\"}";
    assertThat(described.problems("GET /health/live", 200, json, health, false)).isEmpty();
    assertThat(described.problems("GET /health/live", 503, json, health, false)).isNotEmpty();
    assertThat(described.problems("GET /health/live", 200, _ -> "text/html", health, false))
        .isNotEmpty();
    assertThat(described.problems("GET /openapi.json", 200, json, "{}", false))
        .anyMatch(problem -> problem.contains("ETag"));
    assertThat(described.problems("GET /openapi.json", 304, _ -> "\"x\"", "{}", false))
        .isNotEmpty();
    assertThat(
            described.problems(
                "GET /v1/feeds/{channel}",
                200,
                _ -> "text/event-stream",
                "event: status\ndata: {\"run\":1}\n\nevent: other\ndata: {}\n\n",
                false))
        .hasSize(2);
  }

  @Test
  void isServedToEverybodyAndOnceOnly() throws Exception {
    try (var upstream = upstream();
        var gateway = gateway(upstream)) {
      var answer = is(gateway, "GET", "/openapi.json", "", 200, NOBODY);
      assertThat(new JsonObject(answer.body())).isEqualTo(described.document());
      assertThat(header(answer, "cache-control")).isEqualTo("no-cache");
      is(gateway, "GET", "/openapi.json", "", 304, "If-None-Match", header(answer, "etag"));
      is(gateway, "GET", "/openapi.json", "", 200, "If-None-Match", "\"other\"");
      var head = gateway.request("/openapi.json").method("HEAD", BodyPublishers.noBody()).build();
      assertThat(gateway.send(head).statusCode()).isEqualTo(200);
      for (String path : List.of("/openapi.json", "/health/live", "/health/ready", "/metrics")) {
        var post = gateway.post(path, "{}");
        assertThat(post.statusCode()).as(path).isEqualTo(405);
        assertThat(header(post, "allow")).isEqualTo("GET");
        assertThat(described.against("Problem", post.body())).isEmpty();
      }
      try (var wire =
          gateway.wire().get("/openapi.json", "Host: elsewhere", "Origin: https://elsewhere")) {
        assertThat(wire.status()).isEqualTo(200);
      }
    }
  }

  @Test
  void answersAreAsDescribed() throws Exception {
    try (var upstream = upstream();
        var sink = RawUpstream.start(exchange -> exchange.json(200, "{}"));
        var gateway = gateway(upstream)) {
      server(gateway);
      operations(gateway);
      batches(gateway);
      calls(gateway);
      responses(gateway);
      runs(gateway);
      feeds(gateway);
      webhooks(gateway, sink);
      // None was forgotten.
      assertThat(asked).isEqualTo(described.operations().keySet());
      for (String operation : described.operations().keySet()) {
        if (!described.operations().get(operation).containsKey("security")
            || !operation.matches("GET (/health/.*|/openapi.json)")) {
          String[] words = operation.replaceAll("\\{.*?}", "x").split(" ", -1);
          is(gateway, words[0], words[1], "{}", 401, NOBODY);
        }
      }
    }
    try (var upstream = upstream();
        var gateway = Gateway.before(upstream)) {
      is(gateway, "POST", CHAT, Chat.plain("x"), 503, "Prefer", "respond-async");
      is(gateway, "GET", "/v1/feeds/a", "", 503, NOBODY);
      is(gateway, "GET", ENDPOINTS, "", 503, NOBODY);
    }
  }

  private static final String CHAT = "/v1/chat/completions";
  private static final String ENDPOINTS = "/v1/webhook_endpoints";

  private void server(Gateway gateway) throws Exception {
    is(gateway, "GET", "/health/live", "", 200, NOBODY);
    is(gateway, "GET", "/health/ready", "", 200, NOBODY);
    is(gateway, "GET", "/openapi.json", "", 200, NOBODY);
    is(gateway, "POST", "/v1/cache/purge", "{\"tag\":\"x\"}", 403, SHOP);
    is(
        gateway,
        "POST",
        "/v1/cache/purge",
        "{\"tag\":\"x\"}",
        200,
        "Authorization",
        "Bearer mw-ops");
    is(gateway, "POST", "/v1/cache/purge", "{}", 400, "Authorization", "Bearer mw-ops");
    is(gateway, "POST", "/v1/reload", "", 403, SHOP);
    is(gateway, "POST", "/v1/reload", "", 200, "Authorization", "Bearer mw-ops");
    is(gateway, "GET", "/metrics", "", 403, SHOP);
    is(gateway, "GET", "/metrics", "", 200, "Authorization", "Bearer mw-ops");
    theirs(gateway, "GET", "/v1/models", "", SHOP);
    theirs(gateway, "GET", "/v1/models/m", "", SHOP);
    is(gateway, "GET", "/v1/models/%2e%2e", "", 400, SHOP);
  }

  private void operations(Gateway gateway) throws Exception {
    is(gateway, "GET", "/v1/operations", "", 200, SHOP);
    is(gateway, "GET", "/v1/operations/sum", "", 200, SHOP);
    is(gateway, "GET", "/v1/operations/fall", "", 200, SHOP);
    is(gateway, "GET", "/v1/operations/none", "", 404, SHOP);
    String text = "{\"text\":\"x\"}";
    is(gateway, "POST", "/v1/operations/sum", text, 200, SHOP);
    is(gateway, "POST", "/v1/operations/sum", text, 200, with("Accept", "text/event-stream"));
    run(is(gateway, "POST", "/v1/operations/sum", text, 202, ASYNC));
    is(gateway, "POST", "/v1/operations/sum", "{}", 400, SHOP);
    is(gateway, "POST", "/v1/operations/none", "{}", 404, SHOP);
    is(gateway, "POST", "/v1/operations/fail", "", 504, SHOP);
    assertThat(
            header(is(gateway, "POST", "/v1/operations/fall", "", 200, SHOP), "meanwhile-fallback"))
        .isEqualTo("value");
    is(gateway, "GET", "/v1/operations/ahead/prefetch", "", 200, SHOP);
    is(gateway, "GET", "/v1/operations/sum/prefetch", "", 404, SHOP);
    String two = "{\"variables\":[{\"text\":\"x\"},{\"text\":\"hold\"}]}";
    is(gateway, "POST", "/v1/operations/ahead/warm", two, 202, SHOP);
    Eventually.until(
        "one is kept",
        () ->
            gateway
                    .post("/v1/operations/ahead/warm", "{\"variables\":{\"text\":\"x\"}}", SHOP)
                    .statusCode()
                == 200);
    is(gateway, "POST", "/v1/operations/ahead/warm", "{\"variables\":{\"text\":\"x\"}}", 200, SHOP);
    is(gateway, "POST", "/v1/operations/ahead/warm", "{}", 400, SHOP);
    is(gateway, "POST", "/v1/operations/none/warm", "{}", 404, SHOP);
    String tag = Chat.plain("x");
    is(gateway, "POST", CHAT, tag, 200, with("Meanwhile-Operation", "sum"));
    is(gateway, "POST", CHAT, tag, 404, with("Meanwhile-Operation", "none"));
    assertThat(gateway.post("/v1/operations", "{}", SHOP).statusCode()).isEqualTo(405);
    assertThat(gateway.get("/v1/operations/sum/batch", SHOP).statusCode()).isEqualTo(405);
    assertThat(gateway.get("/v1/operations/sum/none", SHOP).statusCode()).isEqualTo(404);
  }

  private void batches(Gateway gateway) throws Exception {
    String path = "/v1/operations/sum/batch";
    String line = "{\"variables\":{\"text\":\"x\"}}";
    is(gateway, "POST", path, "{", 400, SHOP);
    is(gateway, "POST", path, line.replace("x", "x".repeat(70_000)), 413, SHOP);
    is(gateway, "POST", "/v1/operations/none/batch", line, 404, SHOP);
    String id = "/v1/batches/" + id(is(gateway, "POST", path, line, 202, SHOP));
    is(gateway, "GET", id, "", 200, SHOP);
    is(gateway, "POST", id + "/cancel", "", 200, SHOP);
    Eventually.until(
        "it ends",
        () -> !is(gateway, "GET", id, "", 200, SHOP).body().contains("\"results\":null"));
    is(gateway, "GET", id + "/results", "", 200, SHOP);
    is(gateway, "GET", id + "/errors", "", 200, SHOP);
    is(gateway, "DELETE", id, "", 200, SHOP);
    is(gateway, "GET", id, "", 404, SHOP);
    theirs(gateway, "GET", "/v1/batches/batch_theirs", "", SHOP);
  }

  private void calls(Gateway gateway) throws Exception {
    is(gateway, "POST", CHAT, Chat.plain("x"), 200, SHOP);
    assertThat(is(gateway, "POST", CHAT, Chat.streamed("x"), 200, SHOP).body()).contains("[DONE]");
    is(gateway, "POST", CHAT, "{", 400, SHOP);
    is(gateway, "POST", CHAT, Chat.plain("x"), 400, with("Meanwhile-Budget", "soon"));
    is(gateway, "POST", CHAT, Chat.plain("x"), 404, with("Meanwhile-Webhook", "whe_x"));
    is(gateway, "POST", CHAT, Chat.plain("x".repeat(70_000)), 413, SHOP);
    is(gateway, "POST", CHAT, Chat.plain("one"), 200, with("Idempotency-Key", "k"));
    is(gateway, "POST", CHAT, Chat.plain("one"), 200, with("Idempotency-Key", "k"));
    is(gateway, "POST", CHAT, Chat.plain("two"), 422, with("Idempotency-Key", "k"));
    is(gateway, "POST", CHAT, Chat.plain("cut"), 502, SHOP);
    theirs(gateway, "POST", CHAT, Chat.plain("refuse"), SHOP);
    String held = run(is(gateway, "POST", CHAT, Chat.plain("hold"), 202, ASYNC));
    is(gateway, "GET", CHAT + "/" + held, "", 202, SHOP);
    is(gateway, "GET", CHAT + "/" + held, "", 400, with("Prefer", "wait=x"));
    is(gateway, "DELETE", "/v1/runs/" + held, "", 400, SHOP);
    is(gateway, "POST", "/v1/runs/" + held + "/cancel", "", 200, SHOP);
    is(gateway, "GET", CHAT + "/" + held, "", 400, SHOP);
    String done = run(is(gateway, "POST", CHAT, Chat.plain("x"), 202, ASYNC));
    is(gateway, "GET", CHAT + "/" + done, "", 200, with("Prefer", "wait=20"));
    is(gateway, "GET", CHAT + "/run_x", "", 404, SHOP);
    String input = "{\"model\":\"m\",\"input\":\"x\"}";
    is(gateway, "POST", "/v1/embeddings", input, 200, SHOP);
    is(gateway, "POST", "/v1/embeddings", "[]", 400, SHOP);
    done = run(is(gateway, "POST", "/v1/embeddings", input, 202, ASYNC));
    is(gateway, "GET", "/v1/runs/" + done, "", 200, with("Prefer", "wait=20"));
  }

  private void responses(Gateway gateway) throws Exception {
    String path = "/v1/responses";
    String plain = "{\"model\":\"m\",\"input\":\"x\"}";
    String held = "{\"model\":\"m\",\"input\":\"hold\",\"background\":true}";
    String id = id(is(gateway, "POST", path, plain, 200, SHOP));
    is(gateway, "POST", path, plain.replace("}", ",\"stream\":true}"), 200, SHOP);
    is(gateway, "POST", path, "{\"model\":\"m\"}", 400, SHOP);
    is(gateway, "POST", path, held, 202, ASYNC);
    String going = id(is(gateway, "POST", path, held, 200, SHOP));
    is(gateway, "GET", path + "/" + going, "", 200, SHOP);
    is(gateway, "DELETE", path + "/" + going, "", 400, SHOP);
    is(gateway, "POST", path + "/" + going + "/cancel", "", 200, SHOP);
    String stream = is(gateway, "GET", path + "/" + id + "?stream=true", "", 200, SHOP).body();
    assertThat(stream).contains("response.completed");
    is(gateway, "GET", path + "/" + id + "?stream=true", "", 204, with("Last-Event-ID", "999"));
    is(gateway, "GET", path + "/" + id + "?stream=true&starting_after=x", "", 400, SHOP);
    is(gateway, "GET", path + "/" + id + "/input_items", "", 200, SHOP);
    is(gateway, "GET", path + "/" + id + "/input_items?limit=0", "", 400, SHOP);
    is(gateway, "DELETE", path + "/" + id, "", 200, SHOP);
    is(gateway, "GET", path + "/" + id, "", 404, SHOP);
    is(gateway, "POST", path + "/" + id + "/cancel", "", 404, SHOP);
  }

  private void runs(Gateway gateway) throws Exception {
    is(gateway, "GET", "/v1/runs?limit=2", "", 200, SHOP);
    is(gateway, "GET", "/v1/runs?status=gone", "", 400, SHOP);
    is(gateway, "GET", "/v1/runs?tenant=*", "", 403, SHOP);
    String path = "/v1/runs/" + run(is(gateway, "POST", CHAT, Chat.plain("x"), 202, ASYNC));
    var snapshot = is(gateway, "GET", path, "", 200, with("Prefer", "wait=20"));
    is(gateway, "GET", path, "", 304, with("If-None-Match", header(snapshot, "etag")));
    String[] follow = with("Accept", "text/event-stream");
    String events = is(gateway, "GET", path, "", 200, follow).body();
    assertThat(events).contains("event: status", "event: delta", "event: done");
    String last = events.substring(events.lastIndexOf("id: ") + 4).lines().findFirst().orElse("");
    is(gateway, "GET", path + "?after=" + last, "", 204, follow);
    is(gateway, "GET", path + "?after=x", "", 400, follow);
    String failed = run(is(gateway, "POST", CHAT, Chat.plain("refuse"), 202, ASYNC));
    is(gateway, "GET", "/v1/runs/" + failed, "", 200, with("Prefer", "wait=20"));
    is(gateway, "GET", "/v1/runs/" + failed, "", 200, follow);
    is(gateway, "POST", path + "/urls", "", 200, SHOP);
    is(gateway, "POST", path + "/urls", "{\"allow\":\"cancel\"}", 200, SHOP);
    is(gateway, "POST", path + "/urls", "{\"allow\":\"all\"}", 400, SHOP);
    is(gateway, "POST", path + "/urls", "x".repeat(5_000), 413, SHOP);
    is(gateway, "GET", path + "?signed=x", "", 403, NOBODY);
    is(gateway, "DELETE", path, "", 200, SHOP);
    is(gateway, "GET", path, "", 404, SHOP);
    is(gateway, "POST", path + "/cancel", "", 404, SHOP);
    is(gateway, "POST", path + "/urls", "", 404, SHOP);
  }

  private void feeds(Gateway gateway) throws Exception {
    is(gateway, "POST", CHAT, Chat.plain("x"), 200, with("Meanwhile-Channel", "user:42"));
    is(gateway, "POST", "/v1/feeds/user:42/urls", "", 200, SHOP);
    is(gateway, "POST", "/v1/feeds/user:42/urls", "[]", 400, SHOP);
    is(gateway, "GET", "/v1/feeds/a%20b", "", 400, SHOP);
    asked.add("GET /v1/feeds/{channel}");
    try (var wire =
        gateway.wire().get("/v1/feeds/user:42", SHOP[0] + ": " + SHOP[1], "Last-Event-ID: x.1")) {
      assertThat(wire.status()).isEqualTo(200);
      String events = wire.event();
      assertThat(events).contains("event: reset");
      events += wire.event();
      while (!events.contains("completed\"")) {
        events += wire.event();
      }
      assertThat(described.problems("GET /v1/feeds/{channel}", 200, wire::header, events, false))
          .isEmpty();
    }
  }

  private void webhooks(Gateway gateway, RawUpstream sink) throws Exception {
    String hook =
        "{\"name\":\"hook\",\"url\":\"http://127.0.0.1:%d/\",\"event_types\":[\"response.failed\"]}"
            .formatted(sink.port());
    String endpoint = id(is(gateway, "POST", ENDPOINTS, hook, 200, SHOP));
    String path = ENDPOINTS + "/" + endpoint;
    is(gateway, "POST", ENDPOINTS, hook.replace("http:", "ftp:"), 400, SHOP);
    is(gateway, "GET", ENDPOINTS, "", 200, SHOP);
    is(gateway, "GET", ENDPOINTS + "?limit=x", "", 400, SHOP);
    is(gateway, "GET", path, "", 200, SHOP);
    is(gateway, "POST", path, "{\"name\":\"other\"}", 200, SHOP);
    is(gateway, "POST", path, "{\"name\":1}", 400, SHOP);
    is(gateway, "POST", path + "/rotate_secret", "", 200, SHOP);
    is(gateway, "POST", path + "/rotate_secret", "[]", 400, SHOP);
    is(gateway, "POST", path + "/test", "{\"event_type\":\"response.failed\"}", 200, SHOP);
    is(gateway, "POST", path + "/test", "{}", 400, SHOP);
    Exchange sent = sink.take();
    assertThat(described.against("WebhookEvent", sent.body())).isEmpty();
    for (var parameter :
        described
            .document()
            .getJsonObject("webhooks")
            .getJsonObject("runEnded")
            .getJsonObject("post")
            .getJsonArray("parameters")) {
      assertThat(sent.header(((JsonObject) parameter).getString("name"))).isNotNull();
    }
    is(gateway, "POST", CHAT, Chat.plain("x"), 200, with("Meanwhile-Webhook", endpoint));
    String event = json(sink.take().body()).path("id").asString();
    Eventually.until(
        "delivered",
        () ->
            is(gateway, "GET", path + "/deliveries", "", 200, SHOP)
                .body()
                .contains("\"delivered\""));
    is(gateway, "GET", path + "/deliveries?limit=0", "", 400, SHOP);
    is(gateway, "POST", path + "/deliveries/" + event + "/resend", "", 200, SHOP);
    is(gateway, "POST", path + "/deliveries/evt_x/resend", "", 404, SHOP);
    is(gateway, "DELETE", path, "", 200, SHOP);
    for (String[] call :
        new String[][] {
          {"GET", ""},
          {"POST", ""},
          {"DELETE", ""},
          {"POST", "/rotate_secret"},
          {"POST", "/test"},
          {"GET", "/deliveries"},
          {"POST", "/deliveries/evt_x/resend"}
        }) {
      is(gateway, call[0], path + call[1], "{}", 404, SHOP);
    }
  }

  private static final String[] ASYNC = with("Prefer", "respond-async");

  private static String[] with(String... headers) {
    var all = new ArrayList<>(List.of(SHOP));
    all.addAll(List.of(headers));
    return all.toArray(String[]::new);
  }

  private static String run(HttpResponse<String> answer) {
    return header(answer, "meanwhile-run");
  }

  private static String id(HttpResponse<String> answer) {
    return json(answer.body()).path("id").asString();
  }

  /// Makes a call and holds its answer against the description.
  private HttpResponse<String> is(
      Gateway gateway, String method, String path, String body, int status, String... headers)
      throws Exception {
    return check(gateway, method, path, body, status, false, headers);
  }

  /// The same of what the upstream says itself.
  private void theirs(Gateway gateway, String method, String path, String body, String... headers)
      throws Exception {
    check(gateway, method, path, body, method.equals("GET") ? 200 : 418, true, headers);
  }

  private HttpResponse<String> check(
      Gateway gateway,
      String method,
      String path,
      String body,
      int status,
      boolean theirs,
      String... headers)
      throws Exception {
    String operation = method + " " + template(method, path.replaceFirst("\\?.*", ""));
    HttpRequest request =
        gateway
            .request(path, headers)
            .method(
                method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
            .build();
    var answer = gateway.send(request);
    assertThat(answer.statusCode()).as("%s: %s", operation, answer.body()).isEqualTo(status);
    assertThat(
            described.problems(
                operation,
                status,
                name -> answer.headers().firstValue(name).orElse(null),
                answer.body(),
                theirs))
        .as("%s %d", operation, status)
        .isEmpty();
    if (status >= 400 && !theirs) {
      String code = json(answer.body()).at("/error/code").asString();
      assertThat(described.isCode(code)).as("%s %d %s", operation, status, code).isTrue();
    }
    asked.add(operation);
    return answer;
  }

  private String template(String method, String path) {
    String[] said = path.split("/", -1);
    return described.operations().keySet().stream()
        .filter(it -> it.startsWith(method + " "))
        .map(it -> it.substring(method.length() + 1))
        .filter(it -> {
          String[] parts = it.split("/", -1);
          boolean same = parts.length == said.length;
          for (int i = 0; same && i < parts.length; i++) {
            same = parts[i].startsWith("{") || parts[i].equals(said[i]);
          }
          return same;
        })
        .findFirst()
        .orElseThrow(() -> new AssertionError(method + " " + path + " is not described"));
  }

  private static RawUpstream upstream() {
    return RawUpstream.start(exchange -> {
      String body = exchange.body();
      if (exchange.line().startsWith("GET")) {
        exchange.json(200, "{\"object\":\"list\",\"data\":[]}");
      } else if (body.contains("refuse")) {
        exchange.json(418, "{\"error\":{\"message\":\"no\",\"code\":\"teapot\"}}");
      } else if (body.contains("never")) {
        // Whoever waits gives up.
      } else if (body.contains("cut")) {
        exchange.cut();
      } else if (exchange.line().contains("/embeddings")) {
        exchange.json(
            200,
            "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.5]}],\"model\":\"m\",\"usage\":{\"prompt_tokens\":1,\"total_tokens\":1}}");
      } else if (body.contains("\"stream\":true")) {
        exchange.stream();
        exchange.event(Chat.chunk("one"));
        if (!body.contains("hold")) {
          exchange.event(Chat.stop());
          exchange.event(Chat.usage());
          exchange.done();
        }
      } else {
        exchange.json(200, Chat.answer("one"));
      }
    });
  }

  private Gateway gateway(RawUpstream upstream) throws Exception {
    return Gateway.configured(
        data,
        """
        server: {webhooks-allow: [127.0.0.1], max-body: 64KB}
        keys:
          - {tenant: shop, sha256: %s}
          - {tenant: ops, sha256: %s, admin: true}
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        operations:
          sum: {deliver: sync, model: m, prompt: '{{text}}'}
          ahead: {deliver: sync, model: m, prompt: '{{text}}', cache: {max-age: 1h}, prefetch: {over: {text: [x]}}}
          fail: {deliver: sync, budget: {total: 1ms}, at-budget: fail, model: m, prompt: never}
          fall: {for: form, budget: {total: 1ms}, at-budget: fallback-value, fallback-value: no, model: m, prompt: never}
        """
            .formatted(SafetyTest.sha256("mw-shop"), SafetyTest.sha256("mw-ops"), upstream.url()));
  }
}
