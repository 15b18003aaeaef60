package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.testkit.Seeds;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SseFramerTest {
  private static final int MAX = 1000;

  private static List<String> frames(String stream) {
    return all(stream.getBytes(UTF_8), MAX).seen;
  }

  private static Seen all(byte[] stream, int max) {
    Seen seen = new Seen();
    SseFramer framer = new SseFramer(max);
    framer.feed(stream, 0, stream.length, seen);
    framer.finish(seen);
    return seen;
  }

  @Test
  void cutsAtBlankLines() {
    assertThat(frames("data: a\n\ndata:b\n\n"))
        .containsExactly("data: a\n\n -> a", "data:b\n\n -> b");
  }

  @Test
  void knowsAllLineEnds() {
    assertThat(frames("data: a\r\n\r\ndata: b\r\rdata: c\n\n"))
        .containsExactly("data: a\r\n\r\n -> a", "data: b\r\r -> b", "data: c\n\n -> c");
  }

  @Test
  void endsMixedFramesAsClientsSearchForIt() {
    assertThat(frames("data: a\n\r\ndata: b\r\n\rdata: c\r\r\ndata: d\r\n\n"))
        .containsExactly(
            "data: a\n\n -> a", "data: b\r\n\r\n -> b", "data: c\r\r -> c", "data: d\r\n\n -> d");
  }

  @Test
  void keepsTheFramesOtherLines() {
    assertThat(frames("\n\n: hi\nevent: x\nid: 7\ndata:  a\nretry: 1\n\n"))
        .containsExactly(": hi\nevent: x\nid: 7\ndata:  a\nretry: 1\n\n ->  a");
  }

  @Test
  void joinsDataLines() {
    assertThat(frames("data: a\ndata\nx: y\ndata: b\n\n"))
        .containsExactly("data: a\ndata\nx: y\ndata: b\n\n -> a\n\nb");
  }

  @Test
  void passesOverFramesWithoutData() {
    assertThat(frames(": ping\n\nevent: ping\n\ndata\n\ndata:\n\ndatax: 1\n\n\n\n")).isEmpty();
  }

  @Test
  void dropsOneByteOrderMark() {
    assertThat(frames("\uFEFFdata: a\n\n\uFEFFdata: b\n\n")).containsExactly("data: a\n\n -> a");
    assertThat(frames("\uFEFF")).isEmpty();
  }

  @Test
  void completesTheLastFrame() {
    assertThat(frames("data: a\n\ndata: b")).endsWith("data: b\n\n -> b");
    assertThat(frames("data: a\n")).containsExactly("data: a\n\n -> a");
    assertThat(frames("data: a\r\n")).containsExactly("data: a\r\n\r\n -> a");
    assertThat(frames("data: a\r\n\r\ndata: b")).endsWith("data: b\r\n\r\n -> b");
    assertThat(frames("data: a\r")).containsExactly("data: a\r\r -> a");
    assertThat(frames("data: a\n: co")).containsExactly("data: a\n: co\n\n -> a");
    assertThat(frames("dat")).isEmpty();
  }

  @Test
  void doesNotWaitForWhatIsKnown() {
    Seen seen = new Seen();
    SseFramer framer = new SseFramer(MAX);
    feed(framer, "data: a\r\n\r", seen);
    assertThat(seen.seen).containsExactly("data: a\r\n\r\n -> a");
    feed(framer, "\ndata: b\r\r", seen);
    assertThat(seen.seen).endsWith("data: b\r\r -> b");
    feed(framer, "\n", seen);
    feed(framer, "\n", seen);
    assertThat(seen.seen).hasSize(2);
  }

  @Test
  void doesNotCopyWhatIsWhole() {
    byte[] bytes = "data: a\n\ndata: b\r\n\r\ndata: c\r\r".getBytes(UTF_8);
    List<Integer> offsets = new ArrayList<>();
    new SseFramer(MAX)
        .feed(
            bytes,
            0,
            bytes.length,
            new SseFramer.Sink() {
              @Override
              public void event(
                  byte[] frame, int offset, int length, byte[] data, int from, int many) {
                assertThat(frame).isSameAs(bytes);
                assertThat(data).isSameAs(bytes);
                offsets.add(offset);
                offsets.add(from);
              }

              @Override
              public void tooLarge() {
                throw new AssertionError();
              }
            });
    assertThat(offsets).containsExactly(0, 6, 9, 15, 20, 26);
  }

  @Test
  void saysOnceThatAFrameIsTooLarge() {
    for (String line :
        List.of("data: " + "x".repeat(MAX), ("data: " + "x".repeat(90) + "\n").repeat(11))) {
      Seen seen = new Seen();
      SseFramer framer = new SseFramer(MAX);
      feed(framer, "data: a\n\n", seen);
      for (byte b : line.getBytes(UTF_8)) {
        framer.feed(new byte[] {b}, 0, 1, seen);
      }
      feed(framer, "\n\ndata: b\n\n", seen);
      framer.finish(seen);
      assertThat(seen.seen).containsExactly("data: a\n\n -> a", "too large");
    }
  }

  @Test
  void holdsNoMoreThanTheLimit() {
    SseFramer framer = new SseFramer(MAX);
    Seen seen = new Seen();
    for (int i = 0; i < 100_000 && seen.seen.isEmpty(); i++) {
      feed(framer, "data: 0123456789\n", seen);
      assertThat(framer.footprint()).isLessThanOrEqualTo(2 * MAX + 8);
    }
    assertThat(seen.seen).containsExactly("too large");
    assertThat(framer.footprint()).isZero();
  }

  @Test
  void framesDoNotDependOnTheSplit() {
    Seeds.check(
        5000,
        random -> {
          byte[] stream = stream(random);
          int max = random.nextInt(8) == 0 ? random.nextInt(60) : MAX;
          Seen seen = new Seen();
          SseFramer framer = new SseFramer(max);
          Seeds.split(
              random, stream.length, (from, to) -> framer.feed(stream, from, to - from, seen));
          framer.finish(seen);
          assertThat(seen.seen)
              .as(Json.quote(new String(stream, UTF_8)))
              .isEqualTo(all(stream, max).seen);
        });
  }

  @Test
  void agreesWithAPlainReading() {
    Seeds.check(
        5000,
        random -> {
          byte[] stream = stream(random);
          List<String> data =
              all(stream, 1 << 20).seen.stream()
                  .map(frame -> frame.substring(frame.indexOf(" -> ") + 4))
                  .toList();
          assertThat(data)
              .as(Json.quote(new String(stream, UTF_8)))
              .isEqualTo(plainly(new String(stream, UTF_8)));
        });
  }

  /// The specification's words, line by line, over the whole text.
  private static List<String> plainly(String stream) {
    List<String> events = new ArrayList<>();
    List<String> data = new ArrayList<>();
    String text = stream.startsWith("\uFEFF") ? stream.substring(1) : stream;
    // The end of the stream completes the last event.
    for (String line : (text + "\n\n").split("\r\n|\r|\n", -1)) {
      if (line.isEmpty()) {
        String joined = String.join("\n", data);
        if (!joined.isEmpty()) {
          events.add(joined);
        }
        data.clear();
      } else if (line.equals("data")) {
        data.add("");
      } else if (line.startsWith("data:")) {
        data.add(line.substring(line.startsWith("data: ") ? 6 : 5));
      }
    }
    return events;
  }

  private static byte[] stream(SplittableRandom random) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    if (random.nextInt(4) == 0) {
      out.writeBytes("\uFEFF".getBytes(UTF_8));
    }
    String style = Seeds.pick(random, "\n", "\r\n", "\r");
    for (int lines = random.nextInt(30); lines > 0; lines--) {
      String line =
          Seeds.pick(
              random,
              "data: {\"a\":\"é😊\"}",
              "data:x",
              "data",
              "data: ",
              ": c",
              "",
              "",
              "",
              "id: 1");
      boolean mixed = random.nextInt(5) == 0;
      String ending = mixed ? Seeds.pick(random, "\n", "\r\n", "\r") : style;
      out.writeBytes((line + ending).getBytes(UTF_8));
    }
    if (random.nextInt(3) == 0) {
      out.writeBytes("data: last".getBytes(UTF_8));
    }
    return out.toByteArray();
  }

  private static void feed(SseFramer framer, String text, SseFramer.Sink sink) {
    byte[] bytes = text.getBytes(UTF_8);
    framer.feed(bytes, 0, bytes.length, sink);
  }

  /// Remembers what it hears: `frame -> data`.
  private static final class Seen implements SseFramer.Sink {
    final List<String> seen = new ArrayList<>();

    @Override
    public void event(byte[] frame, int offset, int length, byte[] data, int from, int many) {
      seen.add(
          new String(frame, offset, length, UTF_8) + " -> " + new String(data, from, many, UTF_8));
    }

    @Override
    public void tooLarge() {
      seen.add("too large");
    }
  }
}
