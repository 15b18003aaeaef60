package dev.meanwhile.dispatch;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.store.Piece;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
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
  /// @throws IOException if they are damaged
  static void read(List<Piece> pieces, int skip, LogWriter writer, long nanos) throws IOException {
    var plain = new ByteArrayOutputStream();
    var inflater = new Inflater(true);
    try {
      byte[] room = new byte[16 << 10];
      for (Piece piece : pieces) {
        inflater.setInput(piece.bytes());
        for (int length = inflater.inflate(room); length > 0; length = inflater.inflate(room)) {
          plain.write(room, 0, length);
        }
      }
    } catch (DataFormatException e) {
      throw new IOException("the stored events are damaged", e);
    } finally {
      inflater.end();
    }
    byte[] bytes = plain.toByteArray();
    long[] at = {0};
    int event = 0;
    while (at[0] < bytes.length) {
      long kind = number(bytes, at);
      long micros = number(bytes, at);
      long length = number(bytes, at);
      if (kind >= KINDS.length || length > bytes.length - at[0]) {
        throw new IOException("the stored events are damaged");
      }
      if (event++ >= skip) {
        writer.append(KINDS[(int) kind], nanos + micros * 1_000, bytes, (int) at[0], (int) length);
      }
      at[0] += length;
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

  private static long number(byte[] bytes, long[] at) throws IOException {
    long number = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      if (at[0] >= bytes.length) {
        break;
      }
      byte next = bytes[(int) at[0]++];
      number |= (next & 127L) << shift;
      if (next >= 0) {
        return number;
      }
    }
    throw new IOException("the stored events are damaged");
  }
}
