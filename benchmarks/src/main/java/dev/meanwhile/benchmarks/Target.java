package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.ByteBuffer;

/// Where a load goes: a port of 127.0.0.1, and header lines that this relay needs, each ended by
/// CRLF.
///
/// @param question what plain calls ask, in ASCII
record Target(int port, String headers, String question) {
  private static final String RETRY_COUNT = "x-stainless-retry-count: ";
  private static final String PLAIN = "\"user\":\"benchmark\"";
  private static final String SYSTEM_MESSAGE =
      "{\"role\":\"system\",\"content\":\"You are a helpful assistant. Answer in one sentence.\"}";

  Target(int port, String headers) {
    this(port, headers, question(0));
  }

  /// A question that has so many bytes more.
  static String question(int more) {
    return "How far is the moon?" + " Tell it in miles.".repeat(more / 18);
  }

  /// How long the body of [#plainCall] is.
  int bodyBytes() {
    return body(PLAIN, question).length();
  }

  /// A chat call that no relay takes for another one's repetition.
  ByteBuffer plainCall() {
    return call(PLAIN, question);
  }

  /// As [#plainCall], answered by a stream.
  ByteBuffer streamedCall(int number) {
    return call("\"stream\":true", "How far is planet " + number + "?");
  }

  /// A streamed call that is the same for all callers of a group, and says by its temperature that
  /// their answers may be.
  ByteBuffer sharedCall(long group) {
    return call("\"stream\":true,\"temperature\":0", "How far is star " + group + "?");
  }

  /// One of several identical calls that ask for the same stream: as an SDK sends it on its n-th
  /// try, from 0, or, below 0, as a caller who knows nothing of tries.
  ByteBuffer repeatedCall(long group, int tries) {
    return new Target(port, tries < 0 ? headers : headers + RETRY_COUNT + tries + "\r\n")
        .call(
            "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"temperature\":0",
            "How far is galaxy " + group + "?");
  }

  private static String body(String options, String asked) {
    return "{\"model\":\"gpt-4.1-mini\",%s,\"messages\":[%s,{\"role\":\"user\",\"content\":\"%s\"}]}"
        .formatted(options, SYSTEM_MESSAGE, asked);
  }

  private ByteBuffer call(String options, String asked) {
    var body = body(options, asked);
    var request =
        """
        POST /v1/chat/completions HTTP/1.1\r
        host: 127.0.0.1:%d\r
        authorization: Bearer sk-benchmark\r
        content-type: application/json\r
        accept: */*\r
        user-agent: benchmark\r
        %scontent-length: %d\r
        \r
        %s\
        """
            .formatted(port, headers, body.length(), body);
    return ByteBuffer.allocateDirect(request.length()).put(request.getBytes(US_ASCII)).flip();
  }
}
