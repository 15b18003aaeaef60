package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.testkit.Seeds;
import java.io.ByteArrayOutputStream;
import java.util.SplittableRandom;

/// Bytes with a few random faults.
final class Mutants {
  private static final String[] SPICE = {
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\u0000",
    "data:",
    "data: ",
    "event: x\n",
    "\\u",
    "\\ud83d",
    "null",
    "-",
    "1e999",
    "é",
    "[DONE]",
    "\uFEFF",
    "[[[[[[[["
  };

  private Mutants() {}

  static byte[] of(SplittableRandom random, byte[] original) {
    byte[] bytes = original;
    for (int faults = random.nextInt(4); faults > 0 && bytes.length > 0; faults--) {
      int from = random.nextInt(bytes.length);
      int to = Math.min(bytes.length, from + random.nextInt(Seeds.pick(random, 1, 2, 4, 50)) + 1);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      switch (random.nextInt(5)) {
        case 0 -> {
          out.write(bytes, 0, from);
          out.write(bytes, to, bytes.length - to);
        }
        case 1 -> {
          out.write(bytes, 0, to);
          out.write(bytes, from, bytes.length - from);
        }
        case 2 -> {
          out.write(bytes, 0, from);
          out.writeBytes(Seeds.pick(random, SPICE).getBytes(UTF_8));
          out.write(bytes, from, bytes.length - from);
        }
        case 3 -> {
          out.write(bytes, 0, from);
          out.write(random.nextInt(256));
          out.write(bytes, from + 1, bytes.length - from - 1);
        }
        default -> out.write(bytes, 0, to);
      }
      bytes = out.toByteArray();
    }
    return bytes;
  }
}
