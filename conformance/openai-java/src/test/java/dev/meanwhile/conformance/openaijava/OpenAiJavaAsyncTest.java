package dev.meanwhile.conformance.openaijava;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.HttpResponseFor;
import com.openai.errors.BadRequestException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import dev.meanwhile.conformance.Rig;
import dev.meanwhile.simulator.Stats;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `com.openai:openai-java`, which takes 202, with its strictest checks on.
@Timeout(60)
final class OpenAiJavaAsyncTest {
  private final Rig rig = Rig.keeping();

  @AfterEach
  void stop() {
    rig.close();
  }

  private OpenAIClient client(String prefer) {
    return client(prefer, 1_500, 0);
  }

  private OpenAIClient client(String prefer, int firstTokenMillis, int tokenMillis) {
    return OpenAIOkHttpClient.builder()
        .apiKey(Rig.API_KEY)
        .baseUrl(rig.baseUrl())
        .responseValidation(true)
        .maxRetries(0)
        .putHeader("Prefer", prefer)
        .putHeader("x-sim-first-token-ms", Integer.toString(firstTokenMillis))
        .putHeader("x-sim-token-ms", Integer.toString(tokenMillis))
        .build();
  }

  private static ChatCompletionCreateParams chat(String model) {
    return ChatCompletionCreateParams.builder()
        .model(model)
        .addUserMessage("How do trains cross borders?")
        .build();
  }

  private static String text(ChatCompletion completion) {
    return completion.choices().getFirst().message().content().orElseThrow();
  }

  private static ChatCompletion accepted(OpenAIClient client, String model) {
    try (HttpResponseFor<ChatCompletion> response =
        client.chat().completions().withRawResponse().create(chat(model))) {
      assertThat(response.statusCode()).isEqualTo(202);
      ChatCompletion completion = response.parse();
      assertThat(completion.choices()).isEmpty();
      assertThat(response.headers().values("location").getFirst())
          .endsWith("/v1/chat/completions/" + completion.id());
      return completion;
    }
  }

  @Test
  void aCallerLeavesAfterItsTimeAndFetchesTheAnswerLater() {
    OpenAIClient hasty = client("respond-async, wait=0.3");
    OpenAIClient patient = client("respond-async, wait=60");
    String expected = text(patient.chat().completions().create(chat("sim-fast")));

    String id = accepted(hasty, "sim-complex").id();

    ChatCompletion answer = hasty.chat().completions().retrieve(id);
    while (answer.choices().isEmpty()) {
      answer = hasty.chat().completions().retrieve(id);
    }
    assertThat(text(answer)).isEqualTo(expected);
    assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(40);
    assertThat(rig.stats().models().get("sim-complex")).isEqualTo(new Stats.Counted(1, 0, 40));
    hasty.close();
    patient.close();
  }

  @Test
  void wheneverItsTimeIsUpACallerIsAnsweredOrToldWhere() {
    OpenAIClient patient = client("respond-async, wait=60");
    String expected = text(patient.chat().completions().create(chat("sim-fast")));
    int calls = 30;
    Set<Integer> statuses =
        IntStream.range(0, calls)
            .parallel()
            .mapToObj(i -> {
              // The answer is there after about 300 ms.
              OpenAIClient hasty = client("respond-async, wait=0." + (100 + 20 * i), 100, 5);
              try (HttpResponseFor<ChatCompletion> response =
                  hasty.chat().completions().withRawResponse().create(chat("sim-standard"))) {
                ChatCompletion completion = response.parse();
                String id = completion.id();
                while (completion.choices().isEmpty()) {
                  completion = patient.chat().completions().retrieve(id);
                }
                assertThat(text(completion)).isEqualTo(expected);
                return response.statusCode();
              } finally {
                hasty.close();
              }
            })
            .collect(Collectors.toSet());
    assertThat(statuses).isSubsetOf(200, 202);
    assertThat(rig.stats().models().get("sim-standard"))
        .isEqualTo(new Stats.Counted(calls, 0, 40L * calls));
    patient.close();
  }

  @Test
  void aRefusedBackgroundCallFailsWhenItIsFetched() {
    OpenAIClient background = client("respond-async");
    OpenAIClient waiting = client("wait=30");

    String id = accepted(background, "sim-fast:status=400").id();

    assertThatThrownBy(() -> waiting.chat().completions().retrieve(id))
        .isInstanceOf(BadRequestException.class)
        .hasMessageContaining("A simulated failure with status 400");
    background.close();
    waiting.close();
  }
}
