package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

final class TokenTest {
  @Test
  void findsWhatWasFilledInHoweverItIsCut() {
    var prefix = "{\"created\":1741570283.5,\"content\":\"";
    var bytes = (prefix + Token.BLANK + "\"}" + prefix + Token.BLANK + "\"}").getBytes(US_ASCII);
    var buffer = ByteBuffer.wrap(bytes);
    Token.fill(buffer, prefix.length(), 7, 1_234_567_890_123L);
    Token.fill(buffer, bytes.length - 2 - Token.BLANK.length(), 99_999, Long.MAX_VALUE);
    for (var size = 1; size <= bytes.length; size++) {
      var found = new ArrayList<String>();
      var scanner = new Token.Scanner((number, sentAt) -> found.add(number + " " + sentAt));
      for (var from = 0; from < bytes.length; from += size) {
        scanner.feed(ByteBuffer.wrap(bytes, from, Math.min(size, bytes.length - from)));
      }
      assertThat(found)
          .as("pieces of %d bytes", size)
          .containsExactly("7 1234567890123", "99999 " + Long.MAX_VALUE);
    }
  }
}
