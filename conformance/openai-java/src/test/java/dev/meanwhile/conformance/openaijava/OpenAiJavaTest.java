package dev.meanwhile.conformance.openaijava;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.InternalServerException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.embeddings.Embedding;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import dev.meanwhile.conformance.Rig;
import dev.meanwhile.simulator.Stats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// `com.openai:openai-java` with its strictest checks on.
@Timeout(60)
final class OpenAiJavaTest {
  private static final String PROMPT = "How do trains cross borders?";

  private Rig rig;
  private OpenAIClient client;

  @BeforeEach
  void start() {
    rig = Rig.start();
    client = client(rig.baseUrl()).build();
  }

  @AfterEach
  void stop() {
    client.close();
    rig.close();
  }

  private static OpenAIOkHttpClient.Builder client(String baseUrl) {
    return OpenAIOkHttpClient.builder()
        .apiKey(Rig.API_KEY)
        .baseUrl(baseUrl)
        .responseValidation(true)
        .maxRetries(0)
        .putHeader("x-sim-first-token-ms", "20")
        .putHeader("x-sim-token-ms", "2");
  }

  private static ChatCompletionCreateParams chat(String model) {
    return ChatCompletionCreateParams.builder().model(model).addUserMessage(PROMPT).build();
  }

  private static ChatCompletionCreateParams chatWithUsage(String model) {
    return chat(model).toBuilder()
        .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
        .build();
  }

  private static String text(ChatCompletion completion) {
    return completion.choices().getFirst().message().content().orElseThrow();
  }

  /// What the AI API itself says to the prompt.
  private String upstreamText() {
    OpenAIClient direct = client(rig.simulatorOrigin() + "/v1").build();
    try {
      return text(direct.chat().completions().create(chat("sim-fast")));
    } finally {
      direct.close();
    }
  }

  private List<ChatCompletionChunk> stream(ChatCompletionCreateParams params) {
    try (var stream = client.chat().completions().createStreaming(params)) {
      return stream.stream().toList();
    }
  }

  private static String delta(ChatCompletionChunk chunk) {
    return chunk.choices().isEmpty() ? "" : chunk.choices().getFirst().delta().content().orElse("");
  }

  private static String text(List<ChatCompletionChunk> chunks) {
    return String.join("", chunks.stream().map(OpenAiJavaTest::delta).toList());
  }

  @Test
  void plainCall() {
    ChatCompletion completion = client.chat().completions().create(chat("sim-fast"));

    assertThat(text(completion)).isEqualTo(upstreamText()).contains(" ");
    assertThat(completion.usage().orElseThrow().completionTokens()).isEqualTo(40);
  }

  @Test
  void streamedCall() {
    List<ChatCompletionChunk> chunks = stream(chat("sim-fast"));

    assertThat(text(chunks)).isEqualTo(upstreamText());
    assertThat(chunks).allSatisfy(chunk -> assertThat(chunk.usage()).isEmpty());
    assertThat(chunks).noneMatch(chunk -> chunk.choices().isEmpty());
  }

  @Test
  void streamedCallWithUsage() {
    List<ChatCompletionChunk> chunks = stream(chatWithUsage("sim-fast"));

    assertThat(text(chunks)).isEqualTo(upstreamText());
    assertThat(chunks.getLast().choices()).isEmpty();
    assertThat(chunks.getLast().usage().orElseThrow().completionTokens()).isEqualTo(40);
    assertThat(chunks).filteredOn(chunk -> chunk.usage().isPresent()).hasSize(1);
  }

  @Test
  void embeddingsAsBase64AndAsNumbers() {
    var asked =
        EmbeddingCreateParams.builder()
            .model("sim-embedding")
            .inputOfArrayOfStrings(List.of("shoes", "books"))
            .dimensions(64)
            .build();
    OpenAIClient direct = client(rig.simulatorOrigin() + "/v1").build();
    var numbers =
        asked.toBuilder().encodingFormat(EmbeddingCreateParams.EncodingFormat.FLOAT).build();
    var base64 =
        asked.toBuilder().encodingFormat(EmbeddingCreateParams.EncodingFormat.BASE64).build();
    List<List<Float>> right = vectors(direct, numbers);
    direct.close();

    assertThat(right).hasSize(2).allSatisfy(vector -> assertThat(vector).hasSize(64));
    // Without a format the SDK asks for base64 by itself.
    for (var params : List.of(asked, numbers, base64)) {
      assertThat(vectors(client, params)).isEqualTo(right);
    }
  }

  private static List<List<Float>> vectors(OpenAIClient client, EmbeddingCreateParams params) {
    return client.embeddings().create(params).data().stream().map(Embedding::embedding).toList();
  }

  @Test
  void models() {
    assertThat(client.models().list().items()).extracting(Model::id).contains("sim-fast");
    assertThat(client.models().retrieve("sim-fast").id()).isEqualTo("sim-fast");
  }

  @Test
  void upstreamErrorsKeepTheirTypeAndMessage() {
    var error = catchThrowableOfType(RateLimitException.class, () -> plain("status=429"));
    assertThat(error.code()).contains("rate_limit_exceeded");
    assertThat(error).hasMessageContaining("A simulated failure with status 429");
    assertThat(streamFailure("status=429")).isInstanceOf(RateLimitException.class);

    assertThatThrownBy(() -> plain("status=500"))
        .isInstanceOf(InternalServerException.class)
        .hasMessageContaining("A simulated failure with status 500");
    assertThat(streamFailure("status=500")).isInstanceOf(InternalServerException.class);

    assertThatThrownBy(() -> plain("status=401"))
        .isInstanceOf(UnauthorizedException.class)
        .hasMessageContaining("A simulated failure with status 401");
    assertThat(streamFailure("status=401")).isInstanceOf(UnauthorizedException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cut-after=5", "error-after=5", "end-after=5", "garbage-after=5"})
  void failureInMidStreamIsAnException(String fault) {
    assertThat(streamFailure(fault)).isInstanceOf(OpenAIServiceException.class);
    assertThatThrownBy(() -> plain(fault)).isInstanceOf(InternalServerException.class);
  }

  private void plain(String fault) {
    client.chat().completions().create(chat("sim-fast:" + fault));
  }

  private Throwable streamFailure(String fault) {
    var chunks = new ArrayList<ChatCompletionChunk>();
    return catchThrowable(() -> {
      try (var stream = client.chat().completions().createStreaming(chat("sim-fast:" + fault))) {
        stream.stream().forEach(chunks::add);
      }
    });
  }

  /// Five tokens come, and then nothing: who has them got them before the end.
  @Test
  void deltasArriveOneByOneAndACancelledRunIsAnException() {
    try (var response =
            client
                .chat()
                .completions()
                .withRawResponse()
                .createStreaming(chat("sim-fast:stall-after=5"));
        StreamResponse<ChatCompletionChunk> stream = response.parse()) {
      String run = response.headers().values("meanwhile-run").getFirst();
      Iterator<ChatCompletionChunk> chunks = stream.stream().iterator();
      String text = read(chunks, 5);
      assertThat(upstreamText()).startsWith(text);
      assertThat(rig.stats().cancelled()).isZero();

      assertThat(rig.cancel(run)).contains("\"status\":\"cancelled\"").contains(text);

      assertThatThrownBy(chunks::hasNext)
          .isInstanceOf(OpenAIServiceException.class)
          .hasMessageContaining("was cancelled");
    }
    rig.awaitCancelled(1);
  }

  @Test
  void closingAStreamIsNoticed() {
    try (var stream = client.chat().completions().createStreaming(chat("sim-fast:stall-after=5"))) {
      read(stream.stream().iterator(), 5);
    }

    rig.awaitNoStreams();
  }

  private static String read(Iterator<ChatCompletionChunk> chunks, int tokens) {
    var text = new StringBuilder();
    for (int read = 0; read < tokens; ) {
      String delta = delta(chunks.next());
      text.append(delta);
      read += delta.isEmpty() ? 0 : 1;
    }
    return text.toString();
  }

  /// The SDK gives up after a second, twice, and asks again: the third time the answer is there.
  @Test
  void retriesOfASlowCallAreOneCallUpstream() {
    OpenAIOkHttpClient.Builder slow =
        client(rig.baseUrl())
            .replaceHeaders("x-sim-first-token-ms", "3800")
            .replaceHeaders("x-sim-token-ms", "0");
    OpenAIClient impatient = slow.timeout(Duration.ofSeconds(1)).maxRetries(2).build();
    // The first call of a process is slow by itself: loading the SDK takes most of a second.
    assertThat(impatient.models().list().items()).isNotEmpty();
    assertThat(text(client.chat().completions().create(chat("sim-fast")))).isNotEmpty();

    String text = text(impatient.chat().completions().create(chat("sim-vision")));
    impatient.close();

    assertThat(rig.stats().models().get("sim-vision")).isEqualTo(new Stats.Counted(1, 0, 40));
    List<String> posts =
        rig.awaitRunLines(4).stream().filter(post -> post.contains("sim-vision")).toList();
    assertThat(posts).hasSize(3);
    assertThat(posts).filteredOn(post -> post.contains("\"attached\":true")).hasSize(2);
    assertThat(text).isEqualTo(upstreamText());
  }
}
