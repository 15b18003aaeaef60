package dev.meanwhile.server.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/// Streams that are allowed, though few providers send them so.
class OddStreamsTest {
  private static final String DONE = "data: [DONE]\n\n";
  private static final String STOP = "data: " + Chat.stop() + "\n\n";

  private final RawUpstream upstream = RawUpstream.start();
  private final Gateway gateway = Gateway.before(upstream, "--max-event=1MB");

  @AfterEach
  void close() {
    gateway.close();
    upstream.close();
  }

  private static String says(String text) {
    return "data: " + Chat.chunk(text) + "\n\n";
  }

  /// What the caller gets of a body that is sent in one slice.
  private String relayed(String body) throws Exception {
    try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(body);
      call.end();
      assertThat(wire.status()).isEqualTo(200);
      return wire.rest();
    }
  }

  /// The joined text of a stream as a client understands it.
  private static String text(String stream) {
    var text = new StringBuilder();
    for (String event : stream.split("\r\n\r\n|\n\n|\r\r", -1)) {
      var data = new StringBuilder();
      for (String line : event.split("\r\n|\n|\r", -1)) {
        if (line.startsWith("data:")) {
          data.append(line.substring(5).strip());
        }
      }
      if (!data.isEmpty() && !data.toString().equals("[DONE]")) {
        text.append(
            new JsonMapper()
                .readTree(data.toString())
                .path("choices")
                .path(0)
                .path("delta")
                .path("content")
                .asString(""));
      }
    }
    return text.toString();
  }

  @Test
  void passesAStreamOnHoweverItIsSplit() throws Exception {
    String sent = says("Z\u00fcrich \u2192 \u6771\u4eac \ud83d\ude00") + STOP + DONE;
    byte[] bytes = sent.getBytes(UTF_8);
    try (var wire = gateway.wire()) {
      for (int split = 1; split < bytes.length; split += 1) {
        wire.chat(Chat.streamed("x"));
        Exchange call = upstream.take();
        call.stream();
        call.chunk(java.util.Arrays.copyOfRange(bytes, 0, split));
        call.chunk(java.util.Arrays.copyOfRange(bytes, split, bytes.length));
        call.end();
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).as("split at " + split).isEqualTo(sent);
      }
      wire.chat(Chat.streamed("x"));
      Exchange call = upstream.take();
      call.stream();
      for (byte each : bytes) {
        call.chunk(new byte[] {each});
      }
      call.end();
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).as("every byte alone").isEqualTo(sent);
    }
  }

  @Test
  void passesOtherLineEndsOn() throws Exception {
    String sent = says("a") + says("b") + STOP + DONE;
    assertThat(text(relayed(sent.replace("\n", "\r\n")))).isEqualTo("ab");
    assertThat(text(relayed(sent.replace("\n", "\r")))).isEqualTo("ab");
  }

  @Test
  void understandsAByteOrderMark() throws Exception {
    assertThat(relayed("\ufeff" + says("a") + STOP + DONE)).isEqualTo(says("a") + STOP + DONE);
  }

  @Test
  void understandsCommentsAndOtherFields() throws Exception {
    String sent =
        ": hello\n\nevent: x\nid: 7\nretry: 1\n"
            + says("a")
            + ":\n\n: more\n"
            + says("b")
            + STOP
            + DONE;
    assertThat(text(relayed(sent))).isEqualTo("ab");
  }

  @Test
  void passesDataOfSeveralLinesOnAsItIs() throws Exception {
    String multi = says("ab").replace("\"choices\"", "\ndata: \"choices\"");
    assertThat(relayed(multi + STOP + DONE)).isEqualTo(multi + STOP + DONE);
  }

  @Test
  void takesAFinishReasonForAnEndWithoutDone() throws Exception {
    assertThat(relayed(says("a") + STOP)).isEqualTo(says("a") + STOP);
  }

  @Test
  void passesAnEndWithoutItsBlankLineOnWithOne() throws Exception {
    assertThat(relayed(says("a") + STOP.stripTrailing())).isEqualTo(says("a") + STOP);
  }

  @Test
  void ignoresWhatFollowsTheEnd() throws Exception {
    assertThat(relayed(says("a") + STOP + DONE + "\u0000\u0001 garbage\n\ndata: {{{\n\n"))
        .isEqualTo(says("a") + STOP + DONE);
  }

  @Test
  void endsAtDoneThoughTheUpstreamKeepsItsConnectionOpen() throws Exception {
    try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(says("a") + STOP + DONE);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).isEqualTo(says("a") + STOP + DONE);
      call.awaitGone();
    }
  }

  @Test
  void passesAStreamWithoutChunksOn() throws Exception {
    try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      String sent = says("a") + STOP + DONE;
      call.write(
          "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream\r\nContent-Length: "
              + sent.length()
              + "\r\n\r\n"
              + sent);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("content-length")).isNull();
      assertThat(wire.rest()).isEqualTo(sent);
    }
  }

  @Test
  void passesAnEventOnBeforeTheNextIsSent() throws Exception {
    try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      call.stream();
      call.chunk(says("a"));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.event()).isEqualTo(says("a"));
      call.chunk(says("b"));
      assertThat(wire.event()).isEqualTo(says("b"));
      call.chunk(STOP);
      assertThat(wire.event()).isEqualTo(STOP);
      call.done();
      assertThat(wire.event()).isEqualTo(DONE);
      assertThat(wire.event()).isEmpty();
    }
  }

  @Test
  void hasTheHeadersOfAnEventStream() throws Exception {
    try (var wire = gateway.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      call.stream("x-request-id: theirs", "x-ratelimit-limit-tokens: 9", "cache-control: private");
      call.chunk(says("a") + STOP + DONE);
      call.end();
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.headers().stream().filter(it -> it.getKey().equals("content-type")))
          .extracting(java.util.Map.Entry::getValue)
          .containsExactly("text/event-stream; charset=utf-8");
      assertThat(wire.header("cache-control")).isEqualTo("no-cache, no-transform");
      assertThat(wire.header("x-accel-buffering")).isEqualTo("no");
      assertThat(wire.header("incremental")).isEqualTo("?1");
      assertThat(wire.header("content-encoding")).isNull();
      assertThat(wire.header("x-ratelimit-limit-tokens")).isEqualTo("9");
      assertThat(wire.header("meanwhile-upstream-request-id")).isEqualTo("theirs");
      assertThat(wire.header("meanwhile-run")).startsWith("run_");
    }
  }

  @Test
  void sendsCommentsWhileItWaitsAndWhileTheUpstreamIsSilent() throws Exception {
    try (var quick = Gateway.before(upstream, "--hold=50ms", "--heartbeat=50ms");
        var wire = quick.wire().chat(Chat.streamed("x"))) {
      Exchange call = upstream.take();
      assertThat(wire.status()).as("although the upstream is silent").isEqualTo(200);
      assertThat(firstLine(wire)).isEqualTo(":");
      assertThat(firstLine(wire)).isEqualTo(":");
      call.stream();
      call.chunk(says("a") + STOP + DONE);
      call.end();
      assertThat(wire.rest()).endsWith(says("a") + STOP + DONE);
    }
  }

  private static String firstLine(Wire wire) throws Exception {
    return wire.block().strip();
  }

  @Test
  void leavesTheClosingUsageOutForACallerThatDidNotAsk() throws Exception {
    String usage = "data: " + Chat.usage() + "\n\n";
    assertThat(relayed(says("a") + STOP + usage + DONE)).isEqualTo(says("a") + STOP + DONE);
  }
}
