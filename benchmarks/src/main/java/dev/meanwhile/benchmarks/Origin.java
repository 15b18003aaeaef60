package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.SplittableRandom;

/// An AI API that does as little as possible: whatever it is asked, it answers by the [Script] of
/// the moment. Lives on a [Loop]; not thread-safe.
final class Origin {
  private static final String ROLE = "{\"role\":\"assistant\",\"content\":\"\"}";
  private static final String CONTENT = "{\"content\":\"" + Token.BLANK + "\"}";

  private final Loop loop;
  private final SplittableRandom random;
  private final int port;
  private final ByteBuffer streamHead =
      direct(
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
              + "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
              + chunk(event(ROLE, "null")));
  private final ByteBuffer token = direct(chunk(event(CONTENT, "null")));
  private final int tokenAt = chunk(event(CONTENT, "null")).indexOf(Token.BLANK);
  private final ByteBuffer streamTail = streamTail("");
  private final ByteBuffer streamTailWithUsage =
      streamTail(
          chunkObject(
              "[]",
              ",\"usage\":{\"prompt_tokens\":64,\"completion_tokens\":48,\"total_tokens\":112}"));
  private ByteBuffer plain = ByteBuffer.allocate(0);
  private Script script = Script.shortAnswer();
  private int streams;
  private long plainAnswers;
  private final ArrayDeque<Exchange> held = new ArrayDeque<>();

  /// Listens at once; `seed` decides the phases of the streams.
  Origin(Loop loop, long seed) throws IOException {
    this.loop = loop;
    random = new SplittableRandom(seed);
    port = loop.listen(Exchange::new);
    plays(script);
  }

  int port() {
    return port;
  }

  /// Answers all requests from now on by this script.
  void plays(Script next) {
    script = next;
    if (next instanceof Script.Plain answer) {
      plain = direct(plainAnswer(answer.bytes()));
    }
  }

  /// Streams begun so far.
  int streams() {
    return streams;
  }

  /// Plain answers sent so far.
  long plainAnswers() {
    return plainAnswers;
  }

  /// Streams that have sent all their tokens and are silent.
  int held() {
    return held.size();
  }

  /// Ends the stream that fell silent last, properly.
  ///
  /// @return when, in times of [System#nanoTime]: just before it was written
  long endLast() {
    var last = held.removeLast();
    var now = System.nanoTime();
    last.connection.write(streamTail.duplicate());
    return now;
  }

  private static String plainAnswer(int bytes) {
    var head =
        "{\"id\":\"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG\",\"object\":\"chat.completion\","
            + "\"created\":1741570283,\"model\":\"gpt-4.1-mini\",\"choices\":[{\"index\":0,"
            + "\"message\":{\"role\":\"assistant\",\"content\":\"";
    var tail =
        "\",\"refusal\":null},\"finish_reason\":\"stop\"}],"
            + "\"usage\":{\"prompt_tokens\":64,\"completion_tokens\":48,\"total_tokens\":112}}";
    var body = head + "x".repeat(bytes - head.length() - tail.length()) + tail;
    return "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
        .formatted(body.length(), body);
  }

  private static ByteBuffer streamTail(String usage) {
    return direct(chunk(event("{}", "\"stop\"") + usage + "data: [DONE]\n\n") + "0\r\n\r\n");
  }

  private static String event(String delta, String finishReason) {
    return chunkObject(
        "[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]".formatted(delta, finishReason), "");
  }

  private static String chunkObject(String choices, String more) {
    return "data: {\"id\":\"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG\","
        + "\"object\":\"chat.completion.chunk\",\"created\":1741570283,"
        + "\"model\":\"gpt-4.1-mini\",\"system_fingerprint\":\"fp_44709d6fcb\","
        + "\"choices\":%s%s}\n\n".formatted(choices, more);
  }

  private static String chunk(String data) {
    return "%x\r\n%s\r\n".formatted(data.length(), data);
  }

  private static ByteBuffer direct(String text) {
    return ByteBuffer.allocateDirect(text.length()).put(text.getBytes(US_ASCII)).flip();
  }

  /// One connection: answers its requests one after the other.
  private final class Exchange extends Loop.Timer implements Connection.Handler, HttpParser.Sink {
    private final Connection connection;
    private final HttpParser parser = new HttpParser(this);
    private Script answering = script;
    private int sent;

    Exchange(Connection connection) {
      this.connection = connection;
    }

    @Override
    public void connected() {}

    @Override
    public void received(ByteBuffer bytes) {
      parser.feed(bytes);
    }

    @Override
    public void closed() {}

    @Override
    public void head(int status) {}

    @Override
    public void body(ByteBuffer bytes) {
      bytes.position(bytes.limit());
    }

    /// The request is complete.
    @Override
    public void end() {
      answering = script;
      switch (answering) {
        case Script.Plain answer when answer.delay().isZero() -> answer();
        case Script.Plain answer -> later(answer.delay().toNanos());
        case Script.Stream stream -> {
          sent = 0;
          streams++;
          connection.write(streamHead.duplicate());
          later(stream.lead().toNanos() + random.nextLong(stream.interval().toNanos()));
        }
      }
    }

    private void answer() {
      connection.write(plain.duplicate());
      plainAnswers++;
    }

    private void later(long nanos) {
      due(System.nanoTime() + nanos);
      loop.schedule(this);
    }

    @Override
    void fire(long now) {
      switch (answering) {
        case Script.Plain _ -> answer();
        case Script.Stream stream -> next(stream);
      }
    }

    private void next(Script.Stream stream) {
      if (connection.isClosed()) {
        return;
      }
      if (sent == stream.tokens()) {
        switch (stream.ending()) {
          case ENDS -> connection.write(streamTail.duplicate());
          case ENDS_WITH_USAGE -> connection.write(streamTailWithUsage.duplicate());
          case HOLDS -> held.add(this);
        }
        return;
      }
      Token.fill(token, tokenAt, sent++, System.nanoTime());
      connection.write(token.clear());
      // From the time it was due, not from now: a late token must not slow the stream down.
      due(due() + stream.interval().toNanos());
      loop.schedule(this);
    }
  }
}
