package dev.meanwhile.dispatch;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.store.Piece;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/// Events as pieces of one deflate stream (RFC 1951), and back. Only on one loop.
///
/// A stream needs what came before as its window. A deflater that is kept open for each log would
/// cost 270 KB each; instead each piece is made by the same deflater, which is given the last 32 KB
/// of the log as its dictionary and flushed to a byte's end: the pieces together are one stream, as
/// `pigz` makes it of its blocks.
final class Deflated {
  private static final int WINDOW = 32 << 10;
  private static final Kind[] KINDS = Kind.values();

  private final Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
  private final byte[] room = new byte[16 << 10];

  /// The events from `from` (inclusive) to `to` (exclusive) as the next part of the stream.
  byte[] of(LogReader log, int from, int to) {
    int before = from;
    int size = 0;
    while (before > 0 && size < WINDOW) {
      before--;
      size += log.size(before, before + 1);
    }
    byte[] window = framed(log, before, from);
    byte[] events = framed(log, from, to);
    deflater.reset();
    if (window.length > 0) {
      int most = Math.min(WINDOW, window.length);
      deflater.setDictionary(window, window.length - most, most);
    }
    deflater.setInput(events);
    var out = new ByteArrayOutputStream(events.length / 4 + 32);
    int length;
    do {
      length = deflater.deflate(room, 0, room.length, Deflater.SYNC_FLUSH);
      out.write(room, 0, length);
    } while (length == room.length);
    return out.toByteArray();
  }

  /// Per event its kind, its time and its length, each in as many groups of 7 bits as it needs,
  /// then its bytes.
  @SuppressWarnings("EnumOrdinal") // the order of kinds is part of the format; new ones go last
  private static byte[] framed(LogReader log, int from, int to) {
    var out = new ByteArrayOutputStream(log.size(from, to) + 8 * (to - from));
    for (int i = from; i < to; i++) {
      number(out, log.kind(i).ordinal());
      number(out, log.micros(i));
      number(out, log.size(i, i + 1));
      log.read(i, i + 1, out::write);
    }
    return out.toByteArray();
  }

  /// Appends what the pieces hold to a log, whose times begin at `nanos`.
  ///
  /// @param pieces all of them, from the first
  /// @param skip how many events the log has already
  /// @throws IOException if they are damaged, incomplete, or more than the log takes
  static void read(List<Piece> pieces, int skip, LogWriter writer, long nanos) throws IOException {
    var events = new Events(skip, writer, nanos);
    var inflater = new Inflater(true);
    try {
      byte[] room = new byte[16 << 10];
      for (Piece piece : pieces) {
        inflater.setInput(piece.bytes());
        for (int length = inflater.inflate(room); length > 0; length = inflater.inflate(room)) {
          events.take(room, length, piece.end());
        }
        events.check(piece.end());
      }
    } catch (DataFormatException e) {
      throw new IOException("the stored events are damaged", e);
    } finally {
      inflater.end();
    }
  }

  private static void number(ByteArrayOutputStream out, long number) {
    long left = number;
    while (left > 127) {
      out.write((int) (left & 127 | 128));
      left >>>= 7;
    }
    out.write((int) left);
  }

  /// Takes framed events, in parts that may end anywhere, and appends them. No more is held than
  /// one event, and no more of that than has come.
  private static final class Events {
    private static final int KIND = 0;
    private static final int MICROS = 1;
    private static final int LENGTH = 2;
    private static final int BYTES = 3;

    private final int skip;
    private final LogWriter writer;
    private final long nanos;
    private final long[] fields = new long[3];
    private int field = KIND;
    private int shift;
    private byte[] event = new byte[256];
    private int filled;
    private int count;

    Events(int skip, LogWriter writer, long nanos) {
      this.skip = skip;
      this.writer = writer;
      this.nanos = nanos;
    }

    /// @param end how many events there may be so far
    void take(byte[] bytes, int length, int end) throws IOException {
      for (int at = 0; at < length; ) {
        if (field == BYTES) {
          int part = (int) Math.min(fields[LENGTH] - filled, length - at);
          if (event.length - filled < part) {
            event = Arrays.copyOf(event, Math.max(filled + part, 2 * filled));
          }
          System.arraycopy(bytes, at, event, filled, part);
          filled += part;
          at += part;
        } else {
          if (count == end || shift > 56) {
            throw damaged();
          }
          byte next = bytes[at++];
          fields[field] |= (next & 127L) << shift;
          shift += 7;
          if (next >= 0) {
            field++;
            shift = 0;
          }
        }
        if (field == BYTES && filled == fields[LENGTH]) {
          append();
        }
      }
    }

    private void append() throws IOException {
      if (fields[KIND] >= KINDS.length) {
        throw damaged();
      }
      Kind kind = KINDS[(int) fields[KIND]];
      long time = nanos + fields[MICROS] * 1_000;
      if (count++ >= skip && !writer.append(kind, time, event, 0, filled)) {
        throw new IOException("the stored events are more than a run may have");
      }
      Arrays.fill(fields, 0);
      field = KIND;
      filled = 0;
    }

    /// A piece ends with an event, and with the one that it says.
    void check(int end) throws IOException {
      if (count != end || field != KIND || shift != 0) {
        throw damaged();
      }
    }

    private static IOException damaged() {
      return new IOException("the stored events are damaged");
    }
  }
}
