package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.server.Refusal;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.Arrays;

/// Reads a request's body line by line, however long it is, and no faster than the lines are taken.
/// Lines that are blank are counted and not told. Only on one loop.
final class JsonLines {
  /// Others have their turn after so many lines.
  private static final int IN_A_TURN = 32;

  private static final int ROOM = 64 << 10;

  /// Takes the lines; told of one end.
  interface Sink {
    /// A line, from 1. Nothing more comes before [Taken#next] is called, which it may be at once.
    ///
    /// @throws Refusal if it will not do: nothing more comes
    void line(int number, byte[] line, Taken taken);

    /// That was the last one.
    void end();

    /// The rest is not read.
    void refused(Refusal refusal);

    /// Its sender is gone.
    void gone();
  }

  /// What became of a line that was taken; on the same loop, once.
  interface Taken {
    void next();

    /// It will not do after all.
    void refused(Refusal refusal);
  }

  private final Taken taken =
      new Taken() {
        @Override
        public void next() {
          busy = false;
          pump();
        }

        @Override
        public void refused(Refusal refusal) {
          refuse(refusal);
        }
      };

  private final HttpServerRequest request;
  private final int longest;
  private final Duration patience;
  private final Clock clock;
  private final Sink sink;
  private byte[] bytes = new byte[ROOM];
  private int from;
  private int to;
  private int looked;
  private int number;

  /// Whether a line is being taken.
  private boolean busy;

  /// Whether something is being done about it now, so that what is called back goes on in a loop.
  private boolean pumping;

  private boolean ended;
  private boolean over;
  private Clock.Timer timer;

  private JsonLines(
      HttpServerRequest request, int longest, Duration patience, Clock clock, Sink sink) {
    this.request = request;
    this.longest = longest;
    this.patience = patience;
    this.clock = clock;
    this.sink = sink;
    this.timer = clock.after(patience, this::tooSlow);
  }

  /// Begins to read; the request may be paused.
  ///
  /// @param longest the most bytes of a line
  /// @param patience how long nothing may come while more is waited for
  static void read(
      HttpServerRequest request, int longest, Duration patience, Clock clock, Sink sink) {
    var lines = new JsonLines(request, longest, patience, clock, sink);
    request.handler(lines::part);
    request.endHandler(_ -> lines.ended());
    request.exceptionHandler(_ -> lines.gone());
    request.resume();
  }

  private void part(Buffer part) {
    if (over) {
      return;
    }
    int more = part.length();
    if (to + more > bytes.length) {
      int held = to - from;
      byte[] room =
          held + more > bytes.length ? new byte[Math.max(bytes.length * 2, held + more)] : bytes;
      System.arraycopy(bytes, from, room, 0, held);
      bytes = room;
      looked -= from;
      from = 0;
      to = held;
    }
    part.getBytes(0, more, bytes, to);
    to += more;
    pump();
  }

  private void ended() {
    ended = true;
    pump();
  }

  private void gone() {
    if (!over) {
      over();
      sink.gone();
    }
  }

  private void over() {
    over = true;
    timer.cancel();
  }

  private void pump() {
    if (pumping || busy || over) {
      return;
    }
    // What is taken is not waited for.
    timer.cancel();
    pumping = true;
    try {
      for (int left = IN_A_TURN; !busy && !over; left--) {
        if (left == 0) {
          request.pause();
          clock.after(Duration.ZERO, this::pump);
          return;
        }
        if (!isNext()) {
          return;
        }
      }
      if (busy && !over) {
        request.pause();
      }
    } catch (Refusal refusal) {
      refuse(refusal);
    } finally {
      pumping = false;
    }
  }

  /// Takes the next line.
  ///
  /// @return false if it is not there yet
  private boolean isNext() {
    while (looked < to && bytes[looked] != '\n') {
      looked++;
    }
    if (looked - from > longest) {
      throw new Refusal(
          413,
          "line_too_large",
          "Line %,d is larger than %,d bytes, the most that is accepted. Send less, or raise max-body. Nothing of this batch was kept."
              .formatted(number + 1, longest));
    }
    if (looked < to || ended && from < to) {
      byte[] line = Arrays.copyOfRange(bytes, from, looked);
      from = Math.min(to, looked + 1);
      looked = from;
      number++;
      if (!isBlank(line)) {
        busy = true;
        sink.line(number, line, taken);
      }
      return true;
    }
    if (ended) {
      over();
      sink.end();
    } else {
      timer = clock.after(patience, this::tooSlow);
      request.resume();
    }
    return false;
  }

  private static boolean isBlank(byte[] line) {
    for (byte each : line) {
      if (each != ' ' && each != '\t' && each != '\r') {
        return false;
      }
    }
    return true;
  }

  private void tooSlow() {
    refuse(
        new Refusal(
            408,
            "body_too_slow",
            "Nothing of the body arrived for %s s. Send it faster, or raise body-timeout. Nothing of this batch was kept."
                .formatted(patience.toMillis() / 1000.0)));
  }

  private void refuse(Refusal refusal) {
    if (over) {
      return;
    }
    over();
    bytes = new byte[0];
    request.resume();
    if (!ended) {
      Bodies.hangUp(request, clock);
    }
    sink.refused(refusal);
  }
}
