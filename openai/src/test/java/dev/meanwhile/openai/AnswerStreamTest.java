package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.upstream.Upstream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerStreamTest {
  private static final int MAX = 1 << 20;
  private static final String HELLO =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";
  private static final String STOP =
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

  private static Heard hear(String... pieces) {
    Heard heard = new Heard();
    AnswerStream stream = new AnswerStream(Api.CHAT, heard, MAX);
    for (String piece : pieces) {
      byte[] bytes = piece.getBytes(UTF_8);
      stream.feed(bytes, 0, bytes.length);
    }
    stream.end();
    assertThat(stream.stopped()).isTrue();
    return heard;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "CONTENT | {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}",
        "CONTENT | {\"choices\":[{\"delta\":{\"reasoning_content\":\"x\",\"role\":\"assistant\"}}]}",
        "CONTENT | {\"choices\":[{\"delta\":{}},{\"delta\":{\"refusal\":\"x\"}}]}",
        "CONTENT | {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}],\"index\":0}}]}",
        "CONTENT | {\"choices\":[{\"delta\":{\"audio\":{\"data\":\"x\"}}}]}",
        "CONTENT | {\"choices\":[{\"delta\":{\"new_thing\":true}}]}",
        "CONTENT | {\"choices\":[{\"delta\":{\"c\\u006fntent\":\"x\"},\"finish_reason\":\"stop\"}]}",
        "FRAME | {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
        "FRAME | {\"choices\":[{\"delta\":{\"index\":0,\"content\":null,\"tool_calls\":[]}}]}",
        "FRAME | {\"choices\":[{\"delta\":null,\"finish_reason\":\"stop\"}]}",
        "FRAME | {\"choices\":[],\"prompt_filter_results\":[{}]}",
        "FRAME | {\"choices\":[],\"usage\":null}",
        "FRAME | {}",
        "USAGE | {\"choices\":[],\"usage\":{\"total_tokens\":3}}",
        "USAGE | {\"usage\":{},\"choices\":[ ],\"error\":null}",
        "FRAME | {\"choices\":[{\"delta\":{}}],\"usage\":{}}",
        "ERROR | {\"error\":{\"message\":\"x\"}}",
        "ERROR | {\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"error\":\"x\"}"
      })
  void tellsKinds(Kind kind, String data) {
    byte[] bytes = data.getBytes(UTF_8);
    assertThat(new ChatEvent().read(bytes, 0, bytes.length)).isEqualTo(kind);
  }

  @Test
  void reportsInOrder() {
    assertThat(hear(": hi\n\n", HELLO + STOP + "data: [DONE]\n\ngarbage", "more").log)
        .containsExactly(
            "alive",
            "flush",
            "alive",
            "CONTENT " + HELLO,
            "FRAME " + STOP,
            "MARK data: [DONE]\n\n",
            "flush",
            "ended COMPLETED");
  }

  @Test
  void aFinishReasonMakesItWhole() {
    assertThat(hear(HELLO, STOP).terminal).isEqualTo(Terminal.COMPLETED);
    assertThat(hear(HELLO + STOP.stripTrailing()).terminal).isEqualTo(Terminal.COMPLETED);
    assertThat(hear(HELLO + "data: [DONE]").terminal).isEqualTo(Terminal.COMPLETED);
  }

  @Test
  void withoutAFinishReasonItIsCut() {
    for (String stream :
        List.of(
            "",
            HELLO,
            STOP + HELLO.replace("\"index\":0", "\"index\":1"),
            HELLO + STOP.substring(0, 40),
            HELLO + STOP.replace("\"stop\"", "null"),
            HELLO + STOP.replace("\"stop\"", "\"\""))) {
      Heard heard = hear(stream);
      assertThat(heard.failure().code()).as(stream).isEqualTo("upstream_cut");
      assertThat(heard.failure().status()).isEqualTo(502);
      assertThat(heard.log.getLast()).startsWith("ended");
    }
  }

  @Test
  void lengthAndFilterMakeItIncomplete() {
    assertThat(hear(STOP.replace("stop", "length") + "data: [DONE]\n\n").terminal)
        .isEqualTo(Terminal.INCOMPLETE);
    assertThat(hear(STOP.replace("stop", "content_filter")).terminal)
        .isEqualTo(Terminal.INCOMPLETE);
  }

  @Test
  void anErrorEndsIt() {
    Heard heard =
        hear(HELLO + "data: {\"error\":{\"message\":\"over\\nloaded\",\"code\":429}}\n\n" + HELLO);
    assertThat(heard.log).element(2).asString().startsWith("ERROR data: {\"error\"");
    assertThat(heard.log).hasSize(5);
    assertThat(heard.failure())
        .isEqualTo(new Terminal.Failure(429, "upstream_error", "over\nloaded"));
    assertThat(hear("data: {\"error\":{\"code\":\"x\",\"status\":200}}\n\n").failure().status())
        .isEqualTo(502);
    String longest = "é".repeat(4000);
    assertThat(hear("data: {\"error\":\"" + longest + "\"}\n\n").failure().message())
        .isEqualTo("é".repeat(512));
  }

  @Test
  void noticesWhatIsNotJson() {
    for (String data : List.of("<html>", "{\"a\":", "[1]", "7", "{}{}")) {
      Heard heard = hear(HELLO + "data: " + data + "\n\n" + STOP);
      assertThat(heard.failure().code()).as(data).isEqualTo("upstream_invalid_event");
      assertThat(heard.log).hasSize(4);
    }
  }

  @Test
  void namesTheLimit() {
    Heard heard = hear(HELLO, "data: {\"a\":\"" + "x".repeat(MAX));
    assertThat(heard.failure().code()).isEqualTo("upstream_event_too_large");
    assertThat(heard.failure().message()).contains("1048576");
  }

  @Test
  void sayNothingOnceStopped() {
    Heard heard = new Heard();
    AnswerStream[] stream = new AnswerStream[1];
    heard.onEvent = () -> stream[0].stop();
    stream[0] = new AnswerStream(Api.CHAT, heard, MAX);
    byte[] bytes = (HELLO + HELLO + "data: [DONE]\n\n").getBytes(UTF_8);
    stream[0].feed(bytes, 0, bytes.length);
    stream[0].end();
    assertThat(heard.log).containsExactly("alive", "CONTENT " + HELLO);
  }

  @Test
  void readsOurFixtures() {
    Heard two = hear(Recordings.stream(Recordings.fixture("two-choices")));
    assertThat(two.kinds)
        .containsExactly(
            Kind.FRAME,
            Kind.FRAME,
            Kind.CONTENT,
            Kind.CONTENT,
            Kind.CONTENT,
            Kind.FRAME,
            Kind.FRAME,
            Kind.USAGE,
            Kind.MARK);
    assertThat(two.terminal).isEqualTo(Terminal.INCOMPLETE);
    Heard tools = hear(Recordings.stream(Recordings.fixture("tools-and-reasoning")));
    assertThat(tools.kinds.subList(0, 6)).containsOnly(Kind.CONTENT);
    assertThat(tools.terminal).isEqualTo(Terminal.COMPLETED);
  }

  @Test
  void readsEveryRecording() {
    for (Path file : Recordings.chatStreams()) {
      String body = Recordings.stream(file);
      Heard heard = hear(body);
      assertThat(heard.terminal).as(file.toString()).isEqualTo(Terminal.COMPLETED);
      assertThat(String.join("", heard.frames)).as(file.toString()).isEqualTo(body);
      assertThat(hear(body.replace("data: [DONE]\n\n", "")).terminal)
          .as(file + " without [DONE]")
          .isEqualTo(Terminal.COMPLETED);
    }
    assertThat(hear(Recordings.stream(Recordings.chat("azure-model-router.1.chunks.txt"))).kinds)
        .containsExactly(
            Kind.FRAME,
            Kind.FRAME,
            Kind.CONTENT,
            Kind.CONTENT,
            Kind.CONTENT,
            Kind.CONTENT,
            Kind.FRAME,
            Kind.USAGE,
            Kind.MARK);
    assertThat(
            hear(Recordings.stream(Recordings.chat("mistral-incremental-tool-call.chunks.txt")))
                .kinds)
        .containsExactly(Kind.CONTENT, Kind.CONTENT, Kind.FRAME, Kind.MARK);
  }

  @Test
  void anyMutantEndsOnceHoweverItIsSplit() {
    List<byte[]> streams = new ArrayList<>();
    for (List<String> payloads : Recordings.samples()) {
      List<String> some = new ArrayList<>(payloads.subList(0, Math.min(6, payloads.size())));
      some.add(payloads.getLast());
      streams.add(Recordings.stream(some).getBytes(UTF_8));
    }
    Seeds.check(
        5000,
        random -> {
          byte[] mutant = Mutants.of(random, streams.get(random.nextInt(streams.size())));
          Heard whole = new Heard();
          AnswerStream one = new AnswerStream(Api.CHAT, whole, MAX);
          one.feed(mutant, 0, mutant.length);
          one.end();
          Heard split = new Heard();
          AnswerStream many = new AnswerStream(Api.CHAT, split, MAX);
          Seeds.split(random, mutant.length, (from, to) -> many.feed(mutant, from, to - from));
          many.end();
          assertThat(split.frames).isEqualTo(whole.frames);
          assertThat(split.kinds).isEqualTo(whole.kinds);
          assertThat(split.terminal).isNotNull().isEqualTo(whole.terminal);
          assertThat(split.log.stream().filter(line -> line.startsWith("ended"))).hasSize(1);
        });
  }

  @Test
  void judgesPlainAnswers() {
    for (Path file : Recordings.chatAnswers()) {
      assertThat(judge(Recordings.text(file))).as(file.toString()).isEqualTo(Terminal.COMPLETED);
    }
    assertThat(judge("{\"choices\":[{\"message\":{},\"finish_reason\":\"length\"}]}"))
        .isEqualTo(Terminal.INCOMPLETE);
    Terminal broken = judge("<html>");
    assertThat(broken.status()).isEqualTo(Status.FAILED);
    assertThat(broken.failure()).extracting("code").isEqualTo("upstream_invalid_answer");
    assertThat(judge("{\"error\":{\"message\":\"no\"}}").failure())
        .isEqualTo(new Terminal.Failure(502, "upstream_error", "no"));
  }

  private static Terminal judge(String body) {
    byte[] bytes = body.getBytes(UTF_8);
    return Api.CHAT.judge(bytes, 0, bytes.length);
  }

  /// Remembers what it hears.
  private static final class Heard implements Upstream.Listener {
    final List<String> log = new ArrayList<>();
    final List<String> frames = new ArrayList<>();
    final List<Kind> kinds = new ArrayList<>();
    Runnable onEvent = () -> {};
    @Nullable Terminal terminal;

    Terminal.Failure failure() {
      return Objects.requireNonNull(Objects.requireNonNull(terminal).failure());
    }

    @Override
    public void connected() {
      throw new AssertionError();
    }

    @Override
    public void head(Head head) {
      throw new AssertionError();
    }

    @Override
    public void named(String id) {
      log.add("named " + id);
    }

    @Override
    public void event(Kind kind, byte[] bytes, int offset, int length) {
      String frame = new String(bytes, offset, length, UTF_8);
      log.add(kind + " " + frame);
      kinds.add(kind);
      frames.add(frame);
      onEvent.run();
    }

    @Override
    public void alive() {
      log.add("alive");
    }

    @Override
    public void flush() {
      log.add("flush");
    }

    @Override
    public void ended(Terminal value) {
      log.add("ended " + value.status());
      terminal = value;
    }
  }
}
