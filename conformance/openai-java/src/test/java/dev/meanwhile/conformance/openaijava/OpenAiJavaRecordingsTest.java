package dev.meanwhile.conformance.openaijava;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseOutputItem;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import dev.meanwhile.conformance.Rig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What real chat APIs said, as `com.openai:openai-java` gets it from the Responses API with its
/// strictest checks on: nothing that a user sees is lost.
@Timeout(120)
final class OpenAiJavaRecordingsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /// What is seen of an answer.
  private record Seen(
      String text, List<String> calls, ResponseStatus status, long input, long output) {}

  static List<String> recordings() throws IOException {
    try (var files = Files.list(folder())) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static Path folder() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path chat = at.resolveSibling("shared").resolve("recordings").resolve("chat");
      if (Files.isDirectory(at.resolve(".ci")) && Files.isDirectory(chat)) {
        return chat;
      }
    }
    return abort("the recordings are absent: no ../shared/recordings beside the repository");
  }

  @ParameterizedTest
  @MethodSource("recordings")
  void nothingVisibleIsLost(String name) throws IOException {
    Path file = folder().resolve(name);
    try (Rig rig = Rig.replaying(file)) {
      OpenAIClient client =
          OpenAIOkHttpClient.builder()
              .apiKey(Rig.API_KEY)
              .baseUrl(rig.baseUrl())
              .responseValidation(true)
              .maxRetries(0)
              .putHeader("x-sim-first-token-ms", "1")
              .putHeader("x-sim-token-ms", "0")
              .build();
      var ask = ResponseCreateParams.builder().model("sim-fast").input("What did it say?").build();
      if (name.contains("error")) {
        String message = JSON.readTree(Files.readString(file)).at("/error/message").asText();
        assertThatThrownBy(() -> client.responses().create(ask))
            .isInstanceOf(BadRequestException.class)
            .hasMessageContaining(message);
        client.close();
        return;
      }
      boolean streams = !name.endsWith(".json");
      Response made;
      if (streams) {
        try (var events = client.responses().createStreaming(ask)) {
          made = last(events);
        }
      } else {
        made = client.responses().create(ask).validate();
      }
      assertThat(seen(made)).isEqualTo(streams ? streamed(file) : plain(file));
      // And the other way: what was streamed as a whole, what came at once in events.
      assertThat(client.responses().retrieve(made.id()).validate()).isEqualTo(made);
      try (var events = client.responses().retrieveStreaming(made.id())) {
        assertThat(last(events)).isEqualTo(made);
      }
      client.close();
    }
  }

  /// The response at the end of a stream, which says what all its events said.
  private static Response last(StreamResponse<ResponseStreamEvent> events) {
    var text = new StringBuilder();
    Map<String, StringBuilder> arguments = new HashMap<>();
    List<ResponseStreamEvent> all = events.stream().map(ResponseStreamEvent::validate).toList();
    for (ResponseStreamEvent event : all) {
      event.outputTextDelta().ifPresent(delta -> text.append(delta.delta()));
      event
          .functionCallArgumentsDelta()
          .ifPresent(delta ->
              arguments
                  .computeIfAbsent(delta.itemId(), _ -> new StringBuilder())
                  .append(delta.delta()));
    }
    ResponseStreamEvent last = all.getLast();
    Response whole =
        last.isCompleted() ? last.asCompleted().response() : last.asIncomplete().response();
    assertThat(text.toString()).isEqualTo(seen(whole).text);
    for (ResponseOutputItem item : whole.output()) {
      if (item.isFunctionCall()) {
        var call = item.asFunctionCall();
        assertThat(arguments.get(call.id().orElseThrow())).hasToString(call.arguments());
      }
    }
    return whole;
  }

  private static Seen seen(Response response) {
    var text = new StringBuilder();
    var calls = new ArrayList<String>();
    for (ResponseOutputItem item : response.output()) {
      item.message()
          .ifPresent(message ->
              message.content().forEach(part -> text.append(part.asOutputText().text())));
      item.functionCall()
          .ifPresent(call -> calls.add(call.callId() + call.name() + call.arguments()));
    }
    var usage = response.usage();
    return new Seen(
        text.toString(),
        calls,
        response.status().orElseThrow(),
        usage.map(it -> it.inputTokens()).orElse(-1L),
        usage.map(it -> it.outputTokens()).orElse(-1L));
  }

  /// Read without the code that is tested.
  private static Seen plain(Path file) throws IOException {
    JsonNode answer = JSON.readTree(Files.readString(file));
    JsonNode choice = answer.at("/choices/0");
    var calls = new ArrayList<String>();
    for (JsonNode call : choice.at("/message/tool_calls")) {
      JsonNode function = call.get("function");
      calls.add(
          call.get("id").asText()
              + function.get("name").asText()
              + function.get("arguments").asText());
    }
    return new Seen(
        text(choice.at("/message/content")),
        calls,
        status(choice.get("finish_reason").asText()),
        answer.at("/usage/prompt_tokens").asLong(-1),
        answer.at("/usage/completion_tokens").asLong(-1));
  }

  private static Seen streamed(Path file) throws IOException {
    var text = new StringBuilder();
    var calls = new ArrayList<StringBuilder>();
    String finish = "";
    long input = -1;
    long output = -1;
    for (String line : Files.readAllLines(file)) {
      if (line.isBlank()) {
        continue;
      }
      JsonNode chunk = JSON.readTree(line);
      JsonNode choice = chunk.at("/choices/0");
      text.append(text(choice.at("/delta/content")));
      for (JsonNode call : choice.at("/delta/tool_calls")) {
        JsonNode function = call.path("function");
        if (call.hasNonNull("id") && function.hasNonNull("name")) {
          calls.add(new StringBuilder(call.get("id").asText() + function.get("name").asText()));
        }
        // No recording mixes the fragments of several calls.
        calls.getLast().append(function.path("arguments").asText(""));
      }
      finish = choice.hasNonNull("finish_reason") ? choice.get("finish_reason").asText() : finish;
      JsonNode usage = chunk.hasNonNull("usage") ? chunk.get("usage") : chunk.at("/x_groq/usage");
      input = usage.path("prompt_tokens").asLong(input);
      output = usage.path("completion_tokens").asLong(output);
    }
    return new Seen(
        text.toString(),
        calls.stream().map(StringBuilder::toString).toList(),
        status(finish),
        input,
        output);
  }

  private static ResponseStatus status(String finish) {
    return finish.equals("length") ? ResponseStatus.INCOMPLETE : ResponseStatus.COMPLETED;
  }

  /// A string, or parts of which some are thoughts.
  private static String text(JsonNode content) {
    if (content.isTextual()) {
      return content.asText();
    }
    var text = new StringBuilder();
    content.forEach(part -> text.append(part.path("text").asText("")));
    return text.toString();
  }
}
