package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

final class HttpParserTest {
  private static final String MESSAGES =
      """
      HTTP/1.1 200 OK\r
      Content-Length: 5\r
      \r
      hello\
      HTTP/1.1 201 Created\r
      transfer-encoding: Chunked\r
      \r
      3\r
      abc\r
      B;extension=1\r
      0123456789@\r
      0\r
      trailer: 1\r
      \r
      POST /v1/chat/completions HTTP/1.1\r
      content-length: 2\r
      \r
      {}\
      GET / HTTP/1.1\r
      \r
      HTTP/1.1 502 Bad Gateway\r
      \r
      until the end\
      """;

  @Test
  void findsMessagesHoweverTheyAreCut() {
    for (var size = 1; size <= MESSAGES.length(); size++) {
      assertThat(parsed(size))
          .as("pieces of %d bytes", size)
          .isEqualTo("[200 hello][201 abc0123456789@][0 {}][0 ][502 until the end");
    }
  }

  private static String parsed(int size) {
    var text = new StringBuilder();
    var parser =
        new HttpParser(
            new HttpParser.Sink() {
              @Override
              public void head(int status) {
                text.append('[').append(status).append(' ');
              }

              @Override
              public void body(ByteBuffer bytes) {
                text.append(ISO_8859_1.decode(bytes));
              }

              @Override
              public void end() {
                text.append(']');
              }
            });
    var bytes = MESSAGES.getBytes(ISO_8859_1);
    for (var from = 0; from < bytes.length; from += size) {
      parser.feed(ByteBuffer.wrap(bytes, from, Math.min(size, bytes.length - from)));
    }
    return text.toString();
  }
}
