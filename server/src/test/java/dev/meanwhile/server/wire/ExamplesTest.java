package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.Simulation;
import dev.meanwhile.server.kit.SmtpServer;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Each operation of `examples/operations.yaml` does what it says, with the input that it says.
class ExamplesTest {
  private static final Path FILE = Path.of("..", "examples", "operations.yaml");

  /// The simulated AI API need not take its time.
  private static final String[] FAST = {"x-sim-first-token-ms", "5", "x-sim-token-ms", "0"};

  private static final Simulation UPSTREAM = new Simulation();
  private static final SmtpServer MAIL = SmtpServer.start(null, _ -> null);
  private static final Map<String, String> INPUTS = inputs();

  @TempDir private static Path data;
  private static Gateway gateway;

  @BeforeAll
  static void open() throws Exception {
    gateway =
        Gateway.configured(
            data,
            Files.readString(FILE),
            Map.of("AI_URL", UPSTREAM.url(), "SMTP_PORT", Integer.toString(MAIL.port())));
    // As of two at night, and before anything is counted.
    Eventually.until(
        "what is declared is made",
        () ->
            json(gateway.get("/v1/operations/product-recommendations/prefetch").body())
                .at("/sweep/ended_at")
                .isNumber());
  }

  @AfterAll
  static void close() {
    gateway.close();
    MAIL.close();
    UPSTREAM.close();
  }

  private static Map<String, String> inputs() {
    var inputs = new LinkedHashMap<String, String>();
    try {
      Matcher operation =
          Pattern.compile("^  # Try: (.+)\n  ([\\w-]+):$", Pattern.MULTILINE)
              .matcher(Files.readString(FILE));
      while (operation.find()) {
        inputs.put(operation.group(2), operation.group(1));
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return inputs;
  }

  private static HttpResponse<String> call(String name, String... headers) throws Exception {
    return gateway.post(
        "/v1/operations/" + name, Objects.requireNonNull(INPUTS.get(name)), headers);
  }

  private static JsonNode operation(String name) throws Exception {
    return json(gateway.get("/v1/operations/" + name).body());
  }

  @Test
  void eachHasAnInputToTryItWith() throws Exception {
    assertThat(json(gateway.get("/v1/operations").body()).path("data"))
        .extracting(operation -> operation.path("name").asString())
        .containsExactlyElementsOf(INPUTS.keySet())
        .hasSize(15);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "document-analysis",
        "report-generation",
        "image-processing",
        "content-moderation",
        "large-scale-classification"
      })
  void whatNobodyWaitsForIsFetchedLater(String name) throws Exception {
    assertThat(operation(name).path("deliver").asString()).isEqualTo("async");
    var accepted = call(name, FAST);
    assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
    JsonNode completion = json(awaited(header(accepted, "meanwhile-run")));
    String said = completion.at("/choices/0/message/content").asString();
    switch (name) {
      case "report-generation" -> {
        assertThat(said).isNotBlank();
        Eventually.until("the mail", () -> !MAIL.letters().isEmpty());
        assertThat(MAIL.letters().getFirst()).contains("management@example.com");
      }
      case "document-analysis" ->
          assertThat(json(said).propertyNames()).containsExactly("summary", "key_points");
      case "image-processing" ->
          assertThat(json(said).propertyNames()).containsExactly("description", "tags");
      case "content-moderation" -> {
        assertThat(json(said).path("verdict").asString()).isEqualTo("publish");
        assertHit(call(name, FAST), said);
      }
      default -> {
        assertThat(json(said).path("department").asString()).isEqualTo("shipping");
        assertHit(call(name, FAST), said);
      }
    }
  }

  /// The whole answer of a run.
  private static String awaited(String run) throws Exception {
    var last = new String[1];
    Eventually.until(
        run + " is done",
        () -> {
          var answer = gateway.get("/v1/chat/completions/" + run, "Prefer", "wait=20");
          last[0] = answer.body();
          return answer.statusCode() != 202;
        });
    assertThat(json(gateway.get("/v1/runs/" + run).body()).path("status").asString())
        .as(last[0])
        .isEqualTo("completed");
    return last[0];
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "content-generation",
        "chat",
        "search-result-refinement",
        "code-generation",
        "interactive-suggestions"
      })
  void whatIsWatchedIsStreamed(String name) throws Exception {
    assertThat(operation(name).path("deliver").asString()).isEqualTo("stream");
    assertThat(operation(name).at("/budget/first_token_ms").asInt()).isBetween(1, 500);
    var stream = call(name, FAST);
    assertThat(stream.statusCode()).as(stream.body()).isEqualTo(200);
    assertThat(header(stream, "content-type")).startsWith("text/event-stream");
    assertThat(stream.body()).contains("\"delta\":{\"content\":").endsWith("data: [DONE]\n\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"personalization", "contextual-suggestions", "ranking", "segmentation"})
  void whatIsAskedAgainIsThere(String name) throws Exception {
    assertThat(operation(name).path("deliver").asString()).isEqualTo("sync");
    // Who has it as it comes is not given up on, however slow this machine is.
    var first = call(name, "Accept", "text/event-stream", FAST[0], FAST[1], FAST[2], FAST[3]);
    assertThat(header(first, "cache-status")).startsWith("meanwhile; fwd=uri-miss");
    assertThat(first.body()).endsWith("data: [DONE]\n\n");
    long calls = UPSTREAM.stats().calls();
    assertHit(call(name), "");
    assertThat(UPSTREAM.stats().calls()).isEqualTo(calls);
  }

  @Test
  void whatIsDeclaredIsThereBeforeAnyoneAsks() throws Exception {
    String name = "product-recommendations";
    assertThat(operation(name).path("deliver").asString()).isEqualTo("sync");
    JsonNode told = json(gateway.get("/v1/operations/" + name + "/prefetch").body());
    assertThat(told.at("/sweep/made").asInt()).isEqualTo(6);
    long calls = UPSTREAM.stats().calls();
    assertHit(call(name), "products");
    assertThat(UPSTREAM.stats().calls()).isEqualTo(calls);
  }

  private static void assertHit(HttpResponse<String> answer, String text) {
    assertThat(header(answer, "cache-status")).startsWith("meanwhile; hit; ttl=");
    assertThat(header(answer, "content-type")).isEqualTo("application/json");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(json(answer.body()).at("/choices/0/message/content").asString())
        .isNotBlank()
        .contains(text);
  }

  @Test
  void aPageIsNotHeldUpByWhatIsSlow() throws Exception {
    // Nobody has asked this before, and it takes longer than the budget.
    String input = "{\"user\":\"bob\",\"interests\":[]}";
    var late =
        gateway.post("/v1/operations/personalization", input, "x-sim-first-token-ms", "30000");
    assertThat(header(late, "meanwhile-fallback")).isEqualTo("value");
    assertThat(json(late.body()).at("/choices/0/message/content").asString())
        .isEqualTo("Welcome back!");
    var none =
        gateway.post(
            "/v1/operations/contextual-suggestions",
            "{\"form\":\"f\",\"field\":\"g\"}",
            "x-sim-first-token-ms",
            "30000");
    assertThat(none.statusCode()).isEqualTo(504);
    FailuresTest.error(none.body(), "budget_exceeded");
  }
}
