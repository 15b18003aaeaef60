package dev.meanwhile.conformance.openaijava;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.SseException;
import com.openai.models.responses.FunctionTool;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseError;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseRetrieveParams;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import dev.meanwhile.conformance.Rig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `com.openai:openai-java` speaks the Responses API, with its strictest checks on, to an upstream
/// that only speaks chat completions.
@Timeout(120)
final class OpenAiJavaResponsesTest {
  private final Rig rig = Rig.keeping();

  @AfterEach
  void stop() {
    rig.close();
  }

  private OpenAIClient client(int tokenMillis) {
    return OpenAIOkHttpClient.builder()
        .apiKey(Rig.API_KEY)
        .baseUrl(rig.baseUrl())
        .responseValidation(true)
        .maxRetries(0)
        .putHeader("x-sim-first-token-ms", "20")
        .putHeader("x-sim-token-ms", Integer.toString(tokenMillis))
        .build();
  }

  private static ResponseCreateParams.Builder ask() {
    return ResponseCreateParams.builder()
        .model("sim-fast")
        .instructions("Be brief.")
        .input("How do trains cross borders?");
  }

  /// Runs in the background until it is cancelled.
  private static ResponseCreateParams endless() {
    return ask().model("sim-fast:stall-after=5").background(true).build();
  }

  private static String text(Response response) {
    return response.output().getFirst().asMessage().content().getFirst().asOutputText().text();
  }

  private static Response ended(OpenAIClient client, String id) {
    Response response = client.responses().retrieve(id);
    while (response.status().orElseThrow().equals(ResponseStatus.QUEUED)
        || response.status().orElseThrow().equals(ResponseStatus.IN_PROGRESS)) {
      response = client.responses().retrieve(id);
    }
    return response.validate();
  }

  private static List<ResponseStreamEvent> all(OpenAIClient client, String id) {
    try (var stream = client.responses().retrieveStreaming(id)) {
      return read(stream);
    }
  }

  private static List<ResponseStreamEvent> after(OpenAIClient client, String id, long number) {
    var params = ResponseRetrieveParams.builder().startingAfter(number).build();
    try (var stream = client.responses().retrieveStreaming(id, params)) {
      return read(stream);
    }
  }

  private static List<ResponseStreamEvent> read(StreamResponse<ResponseStreamEvent> stream) {
    return stream.stream().map(ResponseStreamEvent::validate).toList();
  }

  @Test
  void createsAndPolls() {
    OpenAIClient client = client(1);
    Response plain = client.responses().create(ask().build()).validate();
    assertThat(plain.status()).contains(ResponseStatus.COMPLETED);
    assertThat(plain.usage().orElseThrow().outputTokens()).isEqualTo(40);

    Response queued = client.responses().create(ask().background(true).build()).validate();
    assertThat(queued.output()).isEmpty();
    Response done = ended(client, queued.id());
    assertThat(text(done)).isEqualTo(text(plain));

    Response next =
        client.responses().create(ask().previousResponseId(done.id()).build()).validate();
    assertThat(next.previousResponseId()).contains(done.id());
    client.close();
  }

  @Test
  void streamsAndResumesFromEveryNumber() {
    OpenAIClient client = client(20);
    String id = client.responses().create(ask().background(true).build()).id();
    // While it runs, to its end.
    List<ResponseStreamEvent> whole = all(client, id);
    assertThat(whole.getFirst().isCreated()).isTrue();
    assertThat(whole.getLast().isCompleted()).isTrue();
    assertThat(whole.getLast().asCompleted().sequenceNumber()).isEqualTo(whole.size() - 1);
    resumes(client, id, whole);
    client.close();

    rig.restart();
    OpenAIClient again = client(20);
    assertThat(all(again, id)).isEqualTo(whole);
    resumes(again, id, whole);
    again.close();
  }

  private static void resumes(OpenAIClient client, String id, List<ResponseStreamEvent> whole) {
    for (int number = 0; number < whole.size(); number++) {
      assertThat(after(client, id, number))
          .as("after %d", number)
          .isEqualTo(whole.subList(number + 1, whole.size()));
    }
  }

  @Test
  void resumesWhileItRunsFromEveryNumberSoFar() {
    OpenAIClient client = client(50);
    String id = "";
    int seen = 0;
    try (var stream = client.responses().createStreaming(ask().background(true).build())) {
      for (var events = stream.stream().iterator(); seen < 12; seen++) {
        ResponseStreamEvent event = events.next().validate();
        id = event.isCreated() ? event.asCreated().response().id() : id;
      }
    }
    var resumed = new ArrayList<List<ResponseStreamEvent>>();
    for (int number = 0; number < seen; number++) {
      resumed.add(after(client, id, number));
    }
    List<ResponseStreamEvent> whole = all(client, id);
    for (int number = 0; number < seen; number++) {
      assertThat(resumed.get(number)).isEqualTo(whole.subList(number + 1, whole.size()));
    }
    assertThat(Objects.requireNonNull(rig.stats().models().get("sim-fast")).calls()).isEqualTo(1);
    client.close();
  }

  @Test
  void cancelsTwice() {
    OpenAIClient client = client(1_000);
    String id = client.responses().create(ask().background(true).build()).id();
    for (int i = 0; i < 2; i++) {
      assertThat(client.responses().cancel(id).validate().status())
          .contains(ResponseStatus.CANCELLED);
    }
    assertThat(ended(client, id).status()).contains(ResponseStatus.CANCELLED);
    client.close();
  }

  @Test
  void listsItsInputAndDeletes() {
    OpenAIClient client = client(1);
    String id = client.responses().create(ask().build()).id();
    var items = client.responses().inputItems().list(id).data();
    assertThat(items).hasSize(1);
    client.responses().delete(id);
    assertThatThrownBy(() -> client.responses().retrieve(id)).isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> client.responses().delete(id)).isInstanceOf(NotFoundException.class);
    client.close();
  }

  @Test
  void isTheSameWhileItRunsAfterItsEndAndAfterARestart() {
    OpenAIClient client = client(1);
    String running = client.responses().create(endless()).id();
    assertThat(client.responses().inputItems().list(running).data()).hasSize(1);
    assertThatThrownBy(() -> client.responses().delete(running))
        .isInstanceOf(BadRequestException.class);
    client.responses().cancel(running);
    String id = client.responses().create(ask().background(true).build()).id();
    var input = client.responses().inputItems().list(id).data();
    assertThat(input).hasSize(1);
    Response done = ended(client, id);
    assertThat(done.status()).contains(ResponseStatus.COMPLETED);
    assertThat(client.responses().inputItems().list(id).data()).isEqualTo(input);
    for (int i = 0; i < 2; i++) {
      assertThat(client.responses().cancel(id).validate()).isEqualTo(done);
    }
    client.close();

    rig.restart();
    OpenAIClient again = client(1);
    assertThat(again.responses().retrieve(id).validate()).isEqualTo(done);
    assertThat(again.responses().inputItems().list(id).data()).isEqualTo(input);
    assertThat(again.responses().cancel(id).validate()).isEqualTo(done);
    again.responses().delete(id);
    isGone(again, id);
    again.close();

    rig.restart();
    OpenAIClient last = client(1);
    isGone(last, id);
    last.close();
  }

  private static void isGone(OpenAIClient client, String id) {
    assertThatThrownBy(() -> client.responses().retrieve(id)).isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> all(client, id)).isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> client.responses().inputItems().list(id))
        .isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> client.responses().cancel(id)).isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> client.responses().delete(id)).isInstanceOf(NotFoundException.class);
  }

  /// Also what did not end well is read by the strictest client, from every number.
  @Test
  void resumesWhatWasCancelledOrHasFailed() {
    OpenAIClient client = client(1);
    String cancelled = client.responses().create(endless()).id();
    // Its first word is there, so that there is something to keep.
    while (client.responses().retrieve(cancelled).output().isEmpty()) {
      Thread.onSpinWait();
    }
    client.responses().cancel(cancelled);
    var failing = ask().model("sim-fast:status=400").background(true).build();
    String failed = client.responses().create(failing).id();
    Response failure = ended(client, failed);
    assertThat(failure.status()).contains(ResponseStatus.FAILED);
    assertThat(failure.error().orElseThrow().code()).isEqualTo(ResponseError.Code.INVALID_PROMPT);
    List<ResponseStreamEvent> stopped = all(client, cancelled);
    assertThat(stopped.getLast().isOutputTextDelta()).isTrue();
    resumes(client, cancelled, stopped);
    breaks(client, failure);
    client.close();

    rig.restart();
    OpenAIClient again = client(1);
    assertThat(again.responses().cancel(cancelled).validate().status())
        .contains(ResponseStatus.CANCELLED);
    assertThat(again.responses().retrieve(failed).validate()).isEqualTo(failure);
    assertThat(all(again, cancelled)).isEqualTo(stopped);
    resumes(again, cancelled, stopped);
    breaks(again, failure);
    again.close();
  }

  /// The client throws an `error` event; what follows it is read by its number.
  private static void breaks(OpenAIClient client, Response failure) {
    String message = failure.error().orElseThrow().message();
    assertThatThrownBy(() -> all(client, failure.id()))
        .isInstanceOf(SseException.class)
        .hasMessageContaining(message);
    // created, queued, in_progress, error, failed.
    for (long number = 0; number < 3; number++) {
      long after = number;
      assertThatThrownBy(() -> after(client, failure.id(), after))
          .isInstanceOf(SseException.class)
          .hasMessageContaining(message);
    }
    List<ResponseStreamEvent> last = after(client, failure.id(), 3);
    assertThat(last).hasSize(1);
    assertThat(last.getFirst().asFailed().response()).isEqualTo(failure);
    assertThat(after(client, failure.id(), 4)).isEmpty();
  }

  @Test
  void callsATool() {
    OpenAIClient client = client(1);
    var schema =
        FunctionTool.Parameters.builder()
            .putAdditionalProperty("type", JsonValue.from("object"))
            .putAdditionalProperty(
                "properties", JsonValue.from(Map.of("city", Map.of("type", "string"))))
            .build();
    var tool = FunctionTool.builder().name("weather").parameters(schema).strict(false).build();
    Response called = client.responses().create(ask().addTool(tool).build()).validate();
    var call = called.output().getFirst().asFunctionCall();
    assertThat(call.name()).isEqualTo("weather");
    assertThat(call.arguments()).startsWith("{\"city\":\"");
    var streamed = new StringBuilder();
    try (var stream = client.responses().createStreaming(ask().addTool(tool).build())) {
      read(stream)
          .forEach(event ->
              event
                  .functionCallArgumentsDelta()
                  .ifPresent(delta -> streamed.append(delta.delta())));
    }
    assertThat(streamed.toString()).isEqualTo(call.arguments());
    var output =
        ResponseInputItem.FunctionCallOutput.builder().callId(call.callId()).output("20").build();
    var next =
        ResponseCreateParams.builder()
            .model("sim-fast")
            .previousResponseId(called.id())
            .inputOfResponse(List.of(ResponseInputItem.ofFunctionCallOutput(output)))
            .build();
    assertThat(text(client.responses().create(next).validate())).isNotEmpty();
    client.close();
  }

  @Test
  void whatCannotBeSaidIsRefused() {
    OpenAIClient client = client(1);
    assertThatThrownBy(
            () -> client.responses().create(ask().maxToolCalls(1).conversation("conv_1").build()))
        .isInstanceOf(BadRequestException.class)
        .hasMessageContaining("conversation");
    client.close();
  }
}
