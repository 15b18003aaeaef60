package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clock;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;

/// Watches how a stream's caller keeps up: asked at every heartbeat.
final class Stall {
  /// A caller that takes nothing for so long, while something waits for it, is gone.
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final HttpServerResponse response;
  private final Clock clock;
  private boolean wrote;
  private long fullSince = -1;

  Stall(HttpServerResponse response, Clock clock) {
    this.response = response;
    this.clock = clock;
  }

  void wrote() {
    wrote = true;
  }

  /// Whether nothing was written since this was last asked, and something can be.
  boolean isQuiet() {
    boolean quiet = !wrote && !response.writeQueueFull();
    wrote = false;
    return quiet;
  }

  boolean isHopeless() {
    if (!response.writeQueueFull()) {
      fullSince = -1;
      return false;
    }
    long now = clock.nanos();
    if (fullSince < 0) {
      fullSince = now;
    }
    return now - fullSince > PATIENCE.toNanos();
  }
}
