package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// However a file is damaged, the reader accepts it or says what is wrong; it never just breaks.
class MutationTest {
  private static final long SEED = 20261101;
  private static final int FILES = 5_000;

  private static final String VALID =
      """
      # é 東京
      server: {port: 8080, bind: 127.0.0.1, keep: 15m, trusted-proxies: [10.0.0.0/8, "::1"]}
      keys:
        - {tenant: shop, sha256: "%s", may-detach: true}
        - tenant: "${NAME:-x}"
          sha256: %s
      upstreams:
        openai:
          base-url: https://api.openai.com/v1
          api-key: "${NAME}"
        local: {base-url: 'http://localhost:1/v1', max-queue: 5}
      operations:
        a: {for: page, model: m, prompt: "{{text}}", parameters: {temperature: 0.5, stop: [a]}}
        b:
          deliver: sync
          budget: {total: 1s}
          model: m
          messages: [{role: user, content: "{{photo}}"}]
          inputs: {photo: image}
          schema: {type: object}
      """
          .formatted("a".repeat(64), "b".repeat(64));

  /// Pieces that mean something to YAML or to us.
  private static final String[] PIECES = {
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    "-",
    "- ",
    "\n",
    "  ",
    "\t",
    "&a ",
    "*a",
    "!!int ",
    "!<x> ",
    "'",
    "\"",
    "\\",
    "#",
    " #",
    "|",
    ">",
    "?",
    "? ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "<<: ",
    "@",
    "`",
    "${",
    "$",
    "$$",
    "${NAME}",
    "null",
    "~",
    "0",
    "-1",
    "999999999999",
    "\0",
    "\r",
    "\u0085",
    "\uFEFF",
    "\u2028",
    "server: ",
    "port: 1",
    "keys: ",
    "upstreams: ",
    "operations: ",
    "{{",
    "}}",
    "0x1",
    ",",
    "\\u12",
    "1h1h",
    "/"
  };

  @TempDir private Path directory;

  @Test
  void damagedFilesAreRefusedNotBrokenBy() {
    assertThat(Written.in(directory, VALID).read(Map.of(), Map.of("NAME", "n")).keys()).hasSize(2);
    SplittableRandom random = new SplittableRandom(SEED);
    int refused = 0;
    for (int i = 0; i < FILES; i++) {
      byte[] damaged = damage(random);
      try {
        Written.in(directory, damaged).read(Map.of(), Map.of("NAME", "n"));
      } catch (ConfigException e) {
        refused++;
        assertThat(e.errors()).isNotEmpty().doesNotHaveDuplicates();
        assertThat(e.errors()).noneMatch(error -> error.contains("\n") || error.contains("null;"));
      } catch (RuntimeException | StackOverflowError e) {
        String text = new String(damaged, StandardCharsets.UTF_8);
        fail("seed " + SEED + ", file " + i + " broke the reader:\n" + text, e);
      }
    }
    assertThat(refused).as("refused of %d", FILES).isBetween(FILES / 2, FILES - 1);
  }

  private static byte[] damage(SplittableRandom random) {
    byte[] bytes = VALID.getBytes(StandardCharsets.UTF_8);
    int times = random.nextInt(1, 5);
    for (int i = 0; i < times && bytes.length > 0; i++) {
      bytes = damageOnce(bytes, random);
    }
    return bytes;
  }

  private static byte[] damageOnce(byte[] bytes, SplittableRandom random) {
    int from = random.nextInt(bytes.length);
    int to = Math.min(bytes.length, from + random.nextInt(1, 20));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(bytes, 0, from);
    switch (random.nextInt(5)) {
      case 0 -> out.write(bytes, to, bytes.length - to); // drop
      case 1 -> { // repeat
        out.write(bytes, from, to - from);
        out.write(bytes, from, bytes.length - from);
      }
      case 2 -> { // change one byte to any
        out.write(random.nextInt(256));
        out.write(bytes, from + 1, bytes.length - from - 1);
      }
      case 3 -> {} // cut off
      default -> { // insert
        out.writeBytes(PIECES[random.nextInt(PIECES.length)].getBytes(StandardCharsets.UTF_8));
        out.write(bytes, from, bytes.length - from);
      }
    }
    return out.toByteArray();
  }
}
