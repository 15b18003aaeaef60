package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clock;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The beginning of a native stream of events, and its signs of life while nothing else is written.
final class Pulse {
  private final Loop loop;
  private final HttpServerResponse response;
  private final Supplier<String> position;
  private final Runnable gone;
  private final Stall stall;
  private Clock.@Nullable Timer timer;
  private boolean over;

  /// @param position the id of what was written last
  /// @param gone what to do when the caller is gone, or takes nothing any more
  Pulse(Loop loop, HttpServerResponse response, Supplier<String> position, Runnable gone) {
    this.loop = loop;
    this.response = response;
    this.position = position;
    this.gone = gone;
    this.stall = new Stall(response, loop.clock());
  }

  void begin() {
    loop.metrics().streams(1);
    response.closeHandler(_ -> gone.run());
    response.exceptionHandler(_ -> gone.run());
    Sse.open(response, null);
    response.write(Buffer.buffer("retry: 1000\n:\n\n"));
    timer = loop.clock().after(loop.config().server().heartbeat(), this::beat);
  }

  void write(Buffer events) {
    response.write(events);
    stall.wrote();
  }

  /// Nothing more is written. Idempotent.
  void stop() {
    if (!over) {
      over = true;
      loop.metrics().streams(-1);
      Clock.Timer pending = timer;
      if (pending != null) {
        pending.cancel();
      }
    }
  }

  static Buffer event(String type, String id, String data) {
    return Buffer.buffer("id: " + id + "\nevent: " + type + "\ndata: " + data + "\n\n");
  }

  /// Both forms of a sign of life: page scripts cannot see comments, old parsers want them.
  private void beat() {
    timer = null;
    if (over) {
      return;
    }
    if (stall.isHopeless()) {
      response.reset();
      gone.run();
      return;
    }
    if (stall.isQuiet()) {
      response.write(Buffer.buffer(":\n").appendBuffer(event("ping", position.get(), "{}")));
    }
    timer = loop.clock().after(loop.config().server().heartbeat(), this::beat);
  }
}
