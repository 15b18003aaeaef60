package dev.meanwhile.simulator;

import dev.meanwhile.simulator.Fault.End;
import dev.meanwhile.simulator.Fault.Quirk;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;

/// A stream on its way: all tokens due at a time leave in one write, and what a slow reader has not
/// taken is not produced.
final class StreamAnswer extends Answer {
  private static final int BATCH = 16 << 10;
  private static final byte[] BOM = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

  private final Script script;
  private final Timeline timeline;
  private final Framing framing;
  private final Fault fault;
  private final long start;
  private final int last;
  private int sent;
  private boolean opened;

  /// @param start when token times begin, on the clock of [System#nanoTime]
  StreamAnswer(
      Wheel wheel,
      HttpServerResponse response,
      Counts counts,
      Script script,
      Timeline timeline,
      Fault fault,
      long start) {
    super(wheel, response, counts);
    this.script = script;
    this.timeline = timeline;
    this.framing = Framing.of(fault);
    this.fault = fault;
    this.start = start;
    this.last =
        fault.end() == null ? script.tokens() : Math.min(script.tokens(), fault.end().after());
  }

  @Override
  void fire() {
    long elapsed = System.nanoTime() - start;
    var out = Buffer.buffer(512);
    if (!opened) {
      opened = true;
      open(out);
    }
    int before = sent;
    while (sent < last && timeline.at(sent) <= elapsed && out.length() < BATCH) {
      script.token(out, sent++);
    }
    counts().sent(sent - before);
    if (sent == last) {
      close(out);
    } else {
      write(out);
      await();
    }
  }

  private void await() {
    long due = start + timeline.at(sent);
    if (response().writeQueueFull()) {
      response()
          .drainHandler(_ -> {
            response().drainHandler(null);
            scheduleAt(due);
          });
    } else {
      scheduleAt(due);
    }
  }

  private void open(Buffer out) {
    if (fault.has(Quirk.BOM)) {
      out.appendBytes(BOM);
    }
    if (last > 0 || fault.end() == null) {
      script.opening(out);
    }
  }

  private void close(Buffer out) {
    End end = fault.end();
    if (end == null) {
      script.closing(out);
      if (!fault.has(Quirk.NO_DONE)) {
        out.appendBytes(framing.event("[DONE]"));
      }
      if (fault.has(Quirk.TRAILING)) {
        out.appendBytes(GARBAGE);
      }
      finish(out);
      return;
    }
    switch (end.way()) {
      case STALL -> write(out);
      case CUT -> cut(out);
      case CLEAN -> finish(out);
      case ERROR -> finish(out.appendBytes(framing.event(ApiError.simulated(500).json())));
      case GARBAGE -> finish(out.appendBytes(GARBAGE));
    }
  }

  private void cut(Buffer out) {
    finished();
    // Reset only once the tokens have left, or the last of them would be lost with the connection.
    response().write(out).onComplete(_ -> response().reset());
  }

  private void finish(Buffer out) {
    finished();
    if (fault.has(Quirk.SPLIT)) {
      write(out);
      response().end();
    } else {
      response().end(out);
    }
  }

  private void write(Buffer out) {
    if (!fault.has(Quirk.SPLIT)) {
      response().write(out);
      return;
    }
    for (int i = 0; i < out.length(); i++) {
      response().write(out.slice(i, i + 1));
    }
  }
}
