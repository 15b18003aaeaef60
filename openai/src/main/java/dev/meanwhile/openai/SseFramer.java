package dev.meanwhile.openai;

import java.util.Arrays;

/// Cuts a byte stream into server-sent events (WHATWG), however it is split.
///
/// A frame is an event's bytes as they came, from its first line through its blank line. It is
/// handed over as soon as the blank line is known: a CR may or may not be followed by the LF that
/// belongs to it, so a blank line that begins with CR is given the line end of the line before, and
/// the LF is swallowed if it comes. So frames depend on the bytes alone, not on how they were
/// split, and end as clients search for it: `\n\n`, `\r\r` or `\r\n\r\n`.
///
/// A frame within one slice is not copied. Holds at most the bytes of one unfinished frame. For one
/// thread.
final class SseFramer {
  private static final int KEEP = 1 << 14;
  private static final byte[] NO_BYTES = {};
  private static final byte[] LF = {'\n'};
  private static final byte[] CR = {'\r'};
  private static final byte[] CRLF = {'\r', '\n'};
  private static final byte[] BOM = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  private final int maxEvent;

  /// The unfinished frame, if it began in an earlier slice.
  private byte[] held = NO_BYTES;

  private int holds;

  /// How many bytes of the byte order mark have come; 3 once that question is settled.
  private int bom;

  /// Whether an LF, if it is next, belongs to the CR before.
  private boolean afterCr;

  /// Whether that CR ended a frame, so that its LF is swallowed.
  private boolean swallow;

  private byte[] style = LF;
  private boolean dead;

  // The frame under way; positions are from its first byte.
  private int lineStart;
  private int dataLines;
  private int dataStart;
  private int dataLength;
  private byte[] joined = NO_BYTES;

  /// Hears of events, in order.
  interface Sink {
    /// One event that has data. Both slices are valid during the call only.
    void event(byte[] frame, int offset, int length, byte[] data, int dataOffset, int dataLength);

    /// A frame has more than the allowed bytes; nothing more will come.
    void tooLarge();
  }

  /// @param maxEvent the most bytes of a frame, not counting its blank line
  SseFramer(int maxEvent) {
    this.maxEvent = maxEvent;
  }

  /// Takes the stream's next bytes, which are the caller's again afterwards.
  void feed(byte[] bytes, int offset, int length, Sink sink) {
    int end = offset + length;
    int at = bom < BOM.length ? mark(bytes, offset, end) : offset;
    if (at == end || dead) {
      return;
    }
    if (afterCr && (at = line(bytes, at)) < 0) {
      tooLarge(sink);
      return;
    }
    // Where the frame begins in these bytes; if part of it is held, everything up to `at` is too.
    int frame = at;
    while (at < end) {
      int eol = eol(bytes, at, end);
      if (eol == end) {
        break;
      }
      boolean cr = bytes[eol] == '\r';
      boolean crlf = cr && eol + 1 < end && bytes[eol + 1] == '\n';
      int next = eol + (crlf ? 2 : 1);
      boolean blank = holds == 0 ? eol == frame + lineStart : holds + eol - frame == lineStart;
      if (blank) {
        deliver(bytes, frame, eol, next, sink);
        afterCr = cr && !crlf && next == end;
        swallow = afterCr;
        frame = next;
      } else {
        style = crlf ? CRLF : cr ? CR : LF;
        if (holds + next - frame > maxEvent) {
          tooLarge(sink);
          return;
        }
        if (holds == 0) {
          readLine(bytes, frame, eol - frame);
          lineStart = next - frame;
        } else {
          hold(bytes, frame, next);
          frame = next;
          readLine(held, 0, holds - (crlf ? 2 : 1));
          lineStart = holds;
        }
        afterCr = cr && !crlf && next == end;
        swallow = false;
      }
      at = next;
    }
    if (holds + end - frame > maxEvent) {
      tooLarge(sink);
    } else if (frame < end) {
      hold(bytes, frame, end);
    }
  }

  /// The stream has ended cleanly: an unfinished frame that has data is completed and handed over.
  void finish(Sink sink) {
    if (dead) {
      return;
    }
    if (bom < BOM.length && bom > 0) {
      hold(BOM, 0, bom);
    }
    dead = true;
    if (holds > lineStart) {
      readLine(held, 0, holds);
      hold(style, 0, style.length);
    }
    if (dataLines > 0) {
      hold(style, 0, style.length);
      emit(held, 0, holds, sink);
    }
    reset();
  }

  /// How many bytes of memory the unfinished frame holds, growing room included.
  int footprint() {
    return held.length + joined.length;
  }

  /// Looks for the byte order mark at the stream's beginning; gives where the rest begins.
  private int mark(byte[] bytes, int at, int end) {
    while (at < end && bom < BOM.length) {
      if (bytes[at] != BOM[bom]) {
        int seen = bom;
        bom = BOM.length;
        hold(BOM, 0, seen);
        return at;
      }
      at++;
      bom++;
    }
    return at;
  }

  /// Settles the CR that ended the last slice; gives where the rest begins, -1 if it is too large.
  private int line(byte[] bytes, int at) {
    afterCr = false;
    if (bytes[at] != '\n') {
      return at;
    }
    if (!swallow) {
      style = CRLF;
      if (holds == maxEvent) {
        return -1;
      }
      hold(bytes, at, at + 1);
      lineStart = holds;
    }
    return at + 1;
  }

  private static int eol(byte[] bytes, int at, int end) {
    while (at < end && bytes[at] != '\n' && bytes[at] != '\r') {
      at++;
    }
    return at;
  }

  /// Reads one line, from `lineStart` to `lineEnd` of the frame that begins at `frame`.
  private void readLine(byte[] bytes, int frame, int lineEnd) {
    int from = frame + lineStart;
    int to = frame + lineEnd;
    if (to - from < 4
        || bytes[from] != 'd'
        || bytes[from + 1] != 'a'
        || bytes[from + 2] != 't'
        || bytes[from + 3] != 'a') {
      return;
    }
    int value = from + 4;
    if (value < to) {
      if (bytes[value] != ':') {
        return;
      }
      value++;
      if (value < to && bytes[value] == ' ') {
        value++;
      }
    }
    if (dataLines == 0) {
      dataStart = value - frame;
      dataLength = to - value;
    } else {
      join(bytes, frame, value, to - value);
    }
    dataLines++;
  }

  private void join(byte[] bytes, int frame, int value, int length) {
    int total = dataLength + 1 + length;
    if (joined.length < total) {
      joined = Arrays.copyOf(joined, Math.max(total, Math.min(maxEvent, total * 2)));
    }
    if (dataLines == 1) {
      System.arraycopy(bytes, frame + dataStart, joined, 0, dataLength);
    }
    joined[dataLength] = '\n';
    System.arraycopy(bytes, value, joined, dataLength + 1, length);
    dataLength = total;
  }

  /// Hands over the frame whose blank line is at `blank` and ends at `next`.
  private void deliver(byte[] bytes, int frame, int blank, int next, Sink sink) {
    if (dataLength > 0) {
      boolean same =
          bytes[blank] == '\n'
              || (bytes[blank] == '\r' && next - blank >= style.length && style[0] == '\r');
      if (holds == 0 && same) {
        int length = (bytes[blank] == '\n' ? next : blank + style.length) - frame;
        emit(bytes, frame, length, sink);
      } else {
        hold(bytes, frame, blank);
        byte[] ending = bytes[blank] == '\n' ? LF : style;
        hold(ending, 0, ending.length);
        emit(held, 0, holds, sink);
      }
    }
    reset();
  }

  private void emit(byte[] bytes, int frame, int length, Sink sink) {
    if (dataLength == 0) {
      return;
    }
    if (dataLines == 1) {
      sink.event(bytes, frame, length, bytes, frame + dataStart, dataLength);
    } else {
      sink.event(bytes, frame, length, joined, 0, dataLength);
    }
  }

  private void hold(byte[] bytes, int from, int to) {
    int total = holds + to - from;
    if (held.length < total) {
      // Room for a blank line, which is not counted.
      held = Arrays.copyOf(held, Math.max(total, Math.min(maxEvent, total * 2) + 4));
    }
    System.arraycopy(bytes, from, held, holds, to - from);
    holds = total;
  }

  private void reset() {
    holds = 0;
    lineStart = 0;
    dataLines = 0;
    dataStart = 0;
    dataLength = 0;
    if (held.length > KEEP) {
      held = NO_BYTES;
    }
    if (joined.length > KEEP) {
      joined = NO_BYTES;
    }
  }

  private void tooLarge(Sink sink) {
    dead = true;
    held = NO_BYTES;
    joined = NO_BYTES;
    sink.tooLarge();
  }
}
