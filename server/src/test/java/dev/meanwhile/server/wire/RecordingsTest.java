package dev.meanwhile.server.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Recordings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Every recorded answer of a real provider, replayed as upstream.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RecordingsTest {
  private static final JsonMapper MAPPER = new JsonMapper();
  private final RawUpstream upstream = RawUpstream.start();
  private final Gateway gateway = Gateway.before(upstream);

  @AfterAll
  void close() {
    gateway.close();
    upstream.close();
  }

  static List<Path> streams() {
    return Recordings.streams();
  }

  static List<Path> answers() {
    return Recordings.answers();
  }

  @ParameterizedTest
  @MethodSource("streams")
  void streamsARecordingAsItWasSent(Path file) throws Exception {
    String sent = Recordings.asSent(file);
    List<byte[]> slices = slices(sent.getBytes(UTF_8));
    String question = file.getFileName().toString();
    try (var streaming = gateway.wire().chat(Chat.shared(question));
        var plain = gateway.wire()) {
      Exchange call = upstream.take();
      call.stream();
      for (byte[] slice : slices.subList(0, slices.size() / 2)) {
        call.chunk(slice);
      }
      assertThat(streaming.status()).isEqualTo(200);
      String first = streaming.event();

      // The plain caller is at the log before the rest is sent.
      long before = attached();
      plain.chat(Chat.plain(question, Chat.ZERO));
      Eventually.until("a plain caller attaches", () -> attached() > before);
      for (byte[] slice : slices.subList(slices.size() / 2, slices.size())) {
        call.chunk(slice);
      }
      call.end();
      assertThat(first + streaming.rest()).isEqualTo(sent);

      assertThat(plain.status()).isEqualTo(200);
      assertThat(plain.header("cache-status")).contains("collapsed");
      assertWhole(MAPPER.readTree(plain.bytes()), Files.readAllLines(file));
    }
  }

  private long attached() throws Exception {
    return gateway
        .get("/metrics")
        .body()
        .lines()
        .filter(it -> it.startsWith("meanwhile_runs_attached_total"))
        .mapToLong(it -> (long) Double.parseDouble(it.substring(it.lastIndexOf(' ') + 1)))
        .sum();
  }

  private static List<byte[]> slices(byte[] bytes) {
    var slices = new ArrayList<byte[]>();
    for (int at = 0; at < bytes.length; at += 97) {
      slices.add(Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + 97)));
    }
    return slices;
  }

  /// All content, reasoning, tool arguments, finish reasons and usage of the chunks are in it.
  private static void assertWhole(JsonNode answer, List<String> payloads) {
    assertThat(answer.path("object").asString()).isEqualTo("chat.completion");
    var texts = new TreeMap<String, StringBuilder>();
    JsonNode usage = null;
    for (String payload : payloads) {
      if (payload.isBlank()) {
        continue;
      }
      JsonNode chunk = MAPPER.readTree(payload);
      if (chunk.path("usage").isObject()) {
        usage = chunk.path("usage");
      }
      for (JsonNode choice : chunk.path("choices")) {
        String at = choice.path("index").asString() + " ";
        JsonNode delta = choice.path("delta");
        for (String text : new String[] {"content", "reasoning", "reasoning_content", "refusal"}) {
          if (delta.path(text).isString()) {
            texts
                .computeIfAbsent(at + text, _ -> new StringBuilder())
                .append(delta.path(text).asString());
          }
        }
        for (JsonNode tool : delta.path("tool_calls")) {
          texts
              .computeIfAbsent(at + "tool " + tool.path("index").asInt(0), _ -> new StringBuilder())
              .append(tool.path("function").path("arguments").asString(""));
        }
        if (choice.path("finish_reason").isString()) {
          assertThat(find(answer, choice.path("index").asInt()).path("finish_reason"))
              .isEqualTo(choice.path("finish_reason"));
        }
      }
    }
    assertThat(texts).isNotEmpty();
    texts.forEach((where, text) -> {
      String[] words = where.split(" ", -1);
      JsonNode message = find(answer, Integer.parseInt(words[0])).path("message");
      JsonNode found =
          words[1].equals("tool")
              ? message
                  .path("tool_calls")
                  .path(Integer.parseInt(words[2]))
                  .path("function")
                  .path("arguments")
              : message.path(words[1]);
      assertThat(found.asString("")).as(where).isEqualTo(text.toString());
    });
    if (usage != null) {
      assertThat(answer.path("usage")).isEqualTo(usage);
    }
  }

  private static JsonNode find(JsonNode answer, int index) {
    for (JsonNode choice : answer.path("choices")) {
      if (choice.path("index").asInt() == index) {
        return choice;
      }
    }
    throw new AssertionError("no choice " + index + " in " + answer);
  }

  @ParameterizedTest
  @MethodSource("answers")
  void passesARecordedAnswerOnAsItWasSent(Path file) throws Exception {
    String sent = Files.readString(file);
    int status = file.toString().contains("error") ? 400 : 200;
    try (var wire = gateway.wire().chat(Chat.plain(file.getFileName().toString()))) {
      upstream.take().json(status, sent);
      assertThat(wire.status()).isEqualTo(status);
      assertThat(wire.rest()).isEqualTo(sent);
    }
  }
}
