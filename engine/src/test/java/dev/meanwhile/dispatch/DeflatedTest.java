package dev.meanwhile.dispatch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.store.Piece;
import dev.meanwhile.testkit.Seeds;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;

class DeflatedTest {
  private static final int LIMIT = 1 << 24;
  private static final long BEGAN = 7_777_777;

  private final Deflated deflated = new Deflated();

  private static RunLog log(int limit) {
    return new RunLog(Runnable::run, BEGAN, limit);
  }

  /// Events of all kinds and sizes: some long, some empty, some like others before them.
  private static RunLog random(SplittableRandom random, int events, int most) {
    RunLog log = log(LIMIT);
    LogWriter writer = log.begin();
    byte[] before = new byte[0];
    long nanos = BEGAN;
    for (int i = 0; i < events; i++) {
      byte[] event = random.nextInt(3) == 0 ? before : new byte[random.nextInt(most + 1)];
      if (random.nextBoolean()) {
        random.nextBytes(event);
      }
      nanos += random.nextInt(3) == 0 ? random.nextLong(1L << 40) : random.nextInt(30_000_000);
      assertThat(writer.append(Seeds.pick(random, Kind.values()), nanos, event, 0, event.length))
          .isTrue();
      before = event;
    }
    writer.publish();
    return log;
  }

  /// The log as pieces of random sizes.
  private List<Piece> pieces(SplittableRandom random, RunLog log) {
    var pieces = new ArrayList<Piece>();
    int[] last = {0};
    Seeds.split(
        random,
        log.end(),
        (from, to) -> {
          if (to > from) {
            pieces.add(new Piece(pieces.size(), to, deflated.of(log, from, to)));
            last[0] = to;
          }
        });
    assertThat(last[0]).isEqualTo(log.end());
    return pieces;
  }

  private static RunLog read(List<Piece> pieces, int limit) throws IOException {
    RunLog log = log(limit);
    LogWriter writer = log.begin();
    Deflated.read(pieces, 0, writer, BEGAN);
    writer.publish();
    return log;
  }

  private static void same(RunLog read, RunLog log) {
    assertThat(read.end()).isEqualTo(log.end());
    assertThat(read.bytes(0, read.end())).isEqualTo(log.bytes(0, log.end()));
    for (int i = 0; i < log.end(); i++) {
      assertThat(read.kind(i)).isEqualTo(log.kind(i));
      assertThat(read.micros(i)).isEqualTo(log.micros(i));
      assertThat(read.size(i, i + 1)).isEqualTo(log.size(i, i + 1));
    }
  }

  @Test
  void any_events_in_any_pieces_come_back() {
    Seeds.check(
        1_000,
        random -> {
          RunLog log = random(random, random.nextInt(60), Seeds.pick(random, 3, 300, 5_000));
          try {
            same(read(pieces(random, log), LIMIT), log);
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  @Test
  void events_come_back_over_more_than_a_window() {
    Seeds.check(
        10,
        random -> {
          RunLog log = random(random, 30, 100_000);
          try {
            same(read(pieces(random, log), LIMIT), log);
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  /// A log that was read goes on with pieces of its own: they are packed with the same dictionary.
  @Test
  void a_log_that_was_read_goes_on() {
    Seeds.check(
        300,
        random -> {
          RunLog log = random(random, 2 + random.nextInt(40), 2_000);
          int middle = 1 + random.nextInt(log.end() - 1);
          var pieces = new ArrayList<Piece>();
          pieces.add(new Piece(0, middle, deflated.of(log, 0, middle)));
          try {
            RunLog recovered = read(pieces, LIMIT);
            LogWriter writer = recovered.begin(2);
            for (int i = middle; i < log.end(); i++) {
              byte[] event = log.bytes(i, i + 1);
              writer.append(log.kind(i), BEGAN + log.micros(i) * 1_000, event, 0, event.length);
            }
            writer.publish();
            pieces.add(new Piece(1, log.end(), deflated.of(recovered, middle, log.end())));
            same(read(pieces, LIMIT), log);
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  @Test
  void what_is_there_is_skipped() {
    Seeds.check(
        200,
        random -> {
          RunLog log = random(random, 1 + random.nextInt(40), 500);
          List<Piece> pieces = pieces(random, log);
          int had = random.nextInt(log.end() + 1);
          RunLog read = log(LIMIT);
          LogWriter writer = read.begin();
          for (int i = 0; i < had; i++) {
            byte[] event = log.bytes(i, i + 1);
            writer.append(log.kind(i), BEGAN + log.micros(i) * 1_000, event, 0, event.length);
          }
          try {
            Deflated.read(pieces, had, writer, BEGAN);
          } catch (IOException e) {
            throw new AssertionError(e);
          }
          writer.publish();
          same(read, log);
        });
  }

  /// Bytes that were cut, garbled, exchanged or made up give an exception, or else what was
  /// written: never a hang, nor more than the log may have.
  @Test
  void damage_is_noticed() {
    Seeds.check(
        3_000,
        random -> {
          RunLog log = random(random, 5 + random.nextInt(40), 400);
          var pieces = new ArrayList<>(pieces(random, log));
          int which = random.nextInt(pieces.size());
          Piece hit = pieces.get(which);
          byte[] bytes = hit.bytes().clone();
          int kind = random.nextInt(6);
          switch (kind) {
            case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            case 1 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            case 2 -> random.nextBytes(bytes);
            case 3 -> Arrays.fill(bytes, random.nextInt(bytes.length), bytes.length, (byte) 0);
            case 4 -> pieces.remove(which);
            default -> pieces.add(which, hit);
          }
          if (kind < 4) {
            pieces.set(which, new Piece(hit.number(), hit.end(), bytes));
          }
          try {
            RunLog read = read(pieces, LIMIT);
            // No checksum is kept: a bit of the text itself may go unnoticed, the shape may not.
            assertThat(read.end()).isEqualTo(pieces.isEmpty() ? 0 : pieces.getLast().end());
          } catch (IOException expected) {
            assertThat(expected).hasMessageContaining("stored events");
          }
        });
  }

  @Test
  void a_missing_or_cut_piece_is_noticed() throws IOException {
    RunLog log = random(new SplittableRandom(1), 30, 300);
    var pieces = new ArrayList<Piece>();
    for (int i = 0; i < 30; i += 10) {
      pieces.add(new Piece(i / 10, i + 10, deflated.of(log, i, i + 10)));
    }
    assertThatCode(() -> read(pieces, LIMIT)).doesNotThrowAnyException();
    assertThatThrownBy(() -> read(List.of(pieces.get(0), pieces.get(2)), LIMIT))
        .isInstanceOf(IOException.class);
    Piece last = pieces.get(2);
    for (int length = 0; length < last.bytes().length - 5; length++) {
      var cut = new Piece(2, 30, Arrays.copyOf(last.bytes(), length));
      assertThatThrownBy(() -> read(List.of(pieces.get(0), pieces.get(1), cut), LIMIT))
          .as("cut to %d", length)
          .isInstanceOf(IOException.class);
    }
  }

  /// A few KB that say they are events without end, or one without end.
  @Test
  void what_blows_up_is_stopped() throws IOException {
    var zeros = new ByteArrayOutputStream();
    var out = new DeflaterOutputStream(zeros, new Deflater(9, true));
    out.write(new byte[200 << 20]);
    out.finish();
    assertThatThrownBy(() -> read(List.of(new Piece(0, 10, zeros.toByteArray())), LIMIT))
        .as("empty events")
        .isInstanceOf(IOException.class);
    var long1 = new ByteArrayOutputStream();
    out = new DeflaterOutputStream(long1, new Deflater(9, true));
    // One event of the kind 0, at 0, of 2^28 bytes.
    out.write(new byte[] {0, 0, -128, -128, -128, -128, 1});
    out.write(new byte[64 << 20]);
    out.finish();
    assertThatThrownBy(() -> read(List.of(new Piece(0, 1, long1.toByteArray())), LIMIT))
        .as("a long event")
        .isInstanceOf(IOException.class);
    RunLog log = random(new SplittableRandom(2), 30, 3_000);
    assertThatThrownBy(
            () -> read(List.of(new Piece(0, 30, deflated.of(log, 0, 30))), log.size(0, 30) - 1))
        .as("more than the log takes")
        .isInstanceOf(IOException.class)
        .hasMessageContaining("more than a run may have");
  }

  /// Measured: 18.8 bytes an event in one piece, 19.6 in two, of 307.6 that came; the first event
  /// costs most of it.
  @Test
  void a_chat_stream_takes_a_twentieth() {
    RunLog log = log(LIMIT);
    LogWriter writer = log.begin();
    String words =
        "Der Zug nach Bern fährt um sieben Uhr zwölf von Gleis neun und hält in Olten wie in "
            + "Aarau; wer später kommt nimmt den nächsten eine halbe Stunde danach und steigt in "
            + "Zürich nicht um sondern bleibt sitzen bis er da ist";
    long nanos = BEGAN;
    var random = new SplittableRandom(3);
    for (String word : words.split(" ", 40)) {
      nanos += 20_000_000 + random.nextInt(10_000_000);
      String event =
          "data: {\"id\":\"chatcmpl-BzQk1nWv6mTz0rYcXo2LhE8uPaJdS\",\"object\":\"chat.completion.chunk\","
              + "\"created\":1753711923,\"model\":\"gpt-4.1-mini-2025-04-14\",\"service_tier\":\"default\","
              + "\"system_fingerprint\":\"fp_6f2eabb9a5\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" "
              + word
              + "\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n";
      byte[] bytes = event.getBytes(UTF_8);
      writer.append(Kind.CONTENT, nanos, bytes, 0, bytes.length);
    }
    writer.publish();
    int end = log.end();
    double whole = deflated.of(log, 0, end).length / (double) end;
    int parts = 0;
    for (int from = 0; from < end; from += 20) {
      parts += deflated.of(log, from, Math.min(end, from + 20)).length;
    }
    double each = log.size(0, end) / (double) end;
    assertThat(each).isBetween(300.0, 315.0);
    assertThat(whole).as("bytes an event, in one piece").isLessThan(25);
    assertThat(parts / (double) end).as("bytes an event, in two pieces").isLessThan(25);
  }
}
