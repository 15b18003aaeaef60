package dev.meanwhile.simulator;

import io.vertx.core.http.HttpServerResponse;

/// One answer on its way, on its event loop: knows whether the caller is still there.
abstract class Answer extends Wheel.Entry {
  /// Neither SSE nor JSON nor UTF-8.
  static final byte[] GARBAGE = {
    '<',
    'h',
    't',
    'm',
    'l',
    '>',
    (byte) 0xff,
    (byte) 0xfe,
    0,
    (byte) 0xc3,
    '{',
    '"',
    'x',
    '\n',
    '\n'
  };

  private final Wheel wheel;
  private final HttpServerResponse response;
  private final Counts counts;
  private boolean over;

  Answer(Wheel wheel, HttpServerResponse response, Counts counts) {
    this.wheel = wheel;
    this.response = response;
    this.counts = counts;
    response.closeHandler(_ -> gone());
    response.exceptionHandler(_ -> gone());
  }

  final HttpServerResponse response() {
    return response;
  }

  final Counts counts() {
    return counts;
  }

  /// @param due on the clock of [System#nanoTime]
  final void scheduleAt(long due) {
    if (!over) {
      wheel.schedule(this, due);
    }
  }

  /// From here on a closed connection is not a caller that left.
  final void finished() {
    over = true;
  }

  private void gone() {
    if (!over) {
      over = true;
      wheel.cancel(this);
      counts.left();
    }
  }
}
