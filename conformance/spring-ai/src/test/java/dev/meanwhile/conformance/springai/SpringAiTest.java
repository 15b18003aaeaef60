package dev.meanwhile.conformance.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.errors.InternalServerException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import dev.meanwhile.conformance.Rig;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;
import org.springframework.ai.openai.OpenAiEmbeddingModel;
import org.springframework.ai.openai.OpenAiEmbeddingOptions;
import reactor.core.publisher.Flux;

/// `spring-ai-openai`, as an application without Spring Boot uses it. It has no list of models.
@Timeout(60)
final class SpringAiTest {
  private static final String PROMPT = "How do trains cross borders?";
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Map<String, String> LATENCY =
      Map.of("x-sim-first-token-ms", "20", "x-sim-token-ms", "2");

  private Rig rig;

  @BeforeEach
  void start() {
    rig = Rig.start();
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  private static OpenAiChatModel chat(String baseUrl, String model, boolean usage) {
    return chat(baseUrl, model, usage, LATENCY);
  }

  private static OpenAiChatModel chat(
      String baseUrl, String model, boolean usage, Map<String, String> headers) {
    return OpenAiChatModel.builder()
        .options(
            OpenAiChatOptions.builder()
                .baseUrl(baseUrl)
                .apiKey(Rig.API_KEY)
                .model(model)
                .customHeaders(headers)
                .maxRetries(0)
                .streamUsage(usage)
                .build())
        .build();
  }

  private OpenAiChatModel chat(String model) {
    return chat(rig.baseUrl(), model, false);
  }

  private static String text(ChatResponse response) {
    return response.getResult() == null || response.getResult().getOutput().getText() == null
        ? ""
        : response.getResult().getOutput().getText();
  }

  private static String text(List<ChatResponse> responses) {
    return responses.stream().map(SpringAiTest::text).collect(Collectors.joining());
  }

  /// What the AI API itself says to the prompt.
  private String upstreamText() {
    return text(chat(rig.simulatorOrigin() + "/v1", "sim-fast", false).call(new Prompt(PROMPT)));
  }

  @Test
  void plainCall() {
    ChatResponse response = chat("sim-fast").call(new Prompt(PROMPT));

    assertThat(text(response)).isEqualTo(upstreamText()).contains(" ");
    assertThat(response.getMetadata().getUsage().getCompletionTokens()).isEqualTo(40);
  }

  @Test
  void streamedCall() {
    List<ChatResponse> responses = all(chat("sim-fast").stream(new Prompt(PROMPT)));

    assertThat(text(responses)).isEqualTo(upstreamText());
    assertThat(responses).filteredOn(response -> !text(response).isEmpty()).hasSize(40);
    assertThat(responses)
        .allSatisfy(
            response -> assertThat(response.getMetadata().getUsage().getTotalTokens()).isZero());
  }

  @Test
  void streamedCallWithUsage() {
    var model = chat(rig.baseUrl(), "sim-fast", true);

    List<ChatResponse> responses = all(model.stream(new Prompt(PROMPT)));

    assertThat(text(responses)).isEqualTo(upstreamText());
    assertThat(responses.getLast().getMetadata().getUsage().getCompletionTokens()).isEqualTo(40);
  }

  private static List<ChatResponse> all(Flux<ChatResponse> responses) {
    return List.copyOf(responses.collectList().blockOptional(PATIENCE).orElseThrow());
  }

  @Test
  void embeddings() {
    float[] vector = embed(rig.baseUrl());

    assertThat(vector).hasSize(64).containsExactly(embed(rig.simulatorOrigin() + "/v1"));
  }

  private static float[] embed(String baseUrl) {
    return OpenAiEmbeddingModel.builder()
        .options(
            OpenAiEmbeddingOptions.builder()
                .baseUrl(baseUrl)
                .apiKey(Rig.API_KEY)
                .model("sim-embedding")
                .customHeaders(LATENCY)
                .maxRetries(0)
                .dimensions(64)
                .build())
        .build()
        .embed("shoes");
  }

  @Test
  void upstreamErrorsKeepTheirTypeAndMessage() {
    for (var refusal :
        Map.of(
                "status=429", RateLimitException.class,
                "status=500", InternalServerException.class,
                "status=401", UnauthorizedException.class)
            .entrySet()) {
      var model = chat("sim-fast:" + refusal.getKey());
      String message = "A simulated failure with " + refusal.getKey().replace('=', ' ');
      assertThatThrownBy(() -> model.call(new Prompt(PROMPT)))
          .isInstanceOf(refusal.getValue())
          .hasMessageContaining(message);
      assertThatThrownBy(() -> all(model.stream(new Prompt(PROMPT))))
          .hasRootCauseInstanceOf(refusal.getValue())
          .hasStackTraceContaining(message);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cut-after=5", "error-after=5", "end-after=5", "garbage-after=5"})
  void failureInMidStreamIsAnException(String fault) {
    var model = chat("sim-fast:" + fault);

    assertThatThrownBy(() -> all(model.stream(new Prompt(PROMPT))))
        .isInstanceOf(OpenAIServiceException.class);
    assertThatThrownBy(() -> model.call(new Prompt(PROMPT)))
        .isInstanceOf(InternalServerException.class);
  }

  /// An answer of half an hour: who has its first tokens got them before the end.
  ///
  /// It must not fall silent, for disposing waits in the SDK until the next bytes come (it closes a
  /// reader that another thread is reading from); in a silent stream these are the server's
  /// heartbeats.
  @Test
  void deltasArriveOneByOneAndCancellingIsNoticed() throws InterruptedException {
    var endless =
        chat(
            rig.baseUrl(),
            "sim-fast",
            false,
            Map.of("x-sim-first-token-ms", "20", "x-sim-token-ms", "20", "x-sim-tokens", "100000"));
    var five = new CountDownLatch(5);
    var subscription =
        endless.stream(new Prompt(PROMPT))
            .filter(response -> !text(response).isEmpty())
            .subscribe(_ -> five.countDown());
    assertThat(five.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();

    subscription.dispose();

    rig.awaitNoStreams();
  }
}
