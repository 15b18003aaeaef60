package dev.meanwhile.conformance.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.exception.AuthenticationException;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.model.catalog.ModelDescription;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiModelCatalog;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.Response;
import dev.meanwhile.conformance.Rig;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// `langchain4j-open-ai`, with the HTTP client it brings.
@Timeout(60)
final class LangChain4jTest {
  private static final String PROMPT = "How do trains cross borders?";
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

  private static OpenAiChatModel plain(String baseUrl, String model) {
    return OpenAiChatModel.builder()
        .baseUrl(baseUrl)
        .apiKey(Rig.API_KEY)
        .modelName(model)
        .customHeaders(LATENCY)
        .maxRetries(0)
        .build();
  }

  private String plain(String fault) {
    return plain(rig.baseUrl(), "sim-fast:" + fault).chat(PROMPT);
  }

  private Listening streamed(String model) {
    var listening = new Listening();
    OpenAiStreamingChatModel.builder()
        .baseUrl(rig.baseUrl())
        .apiKey(Rig.API_KEY)
        .modelName(model)
        .customHeaders(LATENCY)
        .build()
        .chat(PROMPT, listening);
    return listening;
  }

  /// What the AI API itself says to the prompt.
  private String upstreamText() {
    return plain(rig.simulatorOrigin() + "/v1", "sim-fast").chat(PROMPT);
  }

  @Test
  void plainCall() {
    assertThat(plain(rig.baseUrl(), "sim-fast").chat(PROMPT)).isEqualTo(upstreamText());
  }

  @Test
  void streamedCall() {
    Listening streamed = streamed("sim-fast");

    assertThat(streamed.answer().aiMessage().text()).isEqualTo(upstreamText());
    assertThat(streamed.parts()).hasSize(40);
    assertThat(String.join("", streamed.parts())).isEqualTo(upstreamText());
    assertThat(streamed.answer().tokenUsage().outputTokenCount()).isEqualTo(40);
  }

  @Test
  void embeddings() {
    float[] vector = embed(rig.baseUrl());

    assertThat(vector).hasSize(64).containsExactly(embed(rig.simulatorOrigin() + "/v1"));
  }

  private static float[] embed(String baseUrl) {
    Response<Embedding> answer =
        OpenAiEmbeddingModel.builder()
            .baseUrl(baseUrl)
            .apiKey(Rig.API_KEY)
            .modelName("sim-embedding")
            .dimensions(64)
            .customHeaders(LATENCY)
            .maxRetries(0)
            .build()
            .embed("shoes");
    return answer.content().vector();
  }

  @Test
  void models() {
    var catalog = OpenAiModelCatalog.builder().baseUrl(rig.baseUrl()).apiKey(Rig.API_KEY).build();

    assertThat(catalog.listModels()).extracting(ModelDescription::name).contains("sim-fast");
  }

  @Test
  void upstreamErrorsKeepTheirTypeAndMessage() {
    for (var refusal :
        Map.of(
                "status=429", RateLimitException.class,
                "status=500", InternalServerException.class,
                "status=401", AuthenticationException.class)
            .entrySet()) {
      String message = "A simulated failure with " + refusal.getKey().replace('=', ' ');
      assertThatThrownBy(() -> plain(refusal.getKey()))
          .isInstanceOf(refusal.getValue())
          .hasMessageContaining(message);
      assertThat(streamed("sim-fast:" + refusal.getKey()).error())
          .isInstanceOf(refusal.getValue())
          .hasMessageContaining(message);
    }
  }

  /// The client does not know error events, but a broken connection it does.
  @ParameterizedTest
  @ValueSource(strings = {"cut-after=5", "error-after=5", "end-after=5", "garbage-after=5"})
  void failureInMidStreamIsAnException(String fault) {
    Listening streamed = streamed("sim-fast:" + fault);

    assertThat(streamed.error()).isNotNull();
    assertThat(streamed.parts()).hasSizeLessThanOrEqualTo(5);
    assertThatThrownBy(() -> plain(fault)).isInstanceOf(InternalServerException.class);
  }

  /// Five tokens come, and then nothing: who has them got them before the end.
  @Test
  void deltasArriveOneByOneAndCancellingIsNoticed() {
    Listening streamed = streamed("sim-fast:stall-after=5");
    List<String> parts =
        List.of(
            streamed.next(), streamed.next(), streamed.next(), streamed.next(), streamed.next());
    assertThat(upstreamText()).startsWith(String.join("", parts));

    streamed.cancel();

    rig.awaitNoStreams();
  }
}
