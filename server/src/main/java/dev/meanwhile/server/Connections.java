package dev.meanwhile.server;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.server.route.Answers;
import dev.meanwhile.server.route.Front;
import dev.meanwhile.server.telemetry.Metrics;
import io.netty.channel.ChannelOutboundBuffer;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/// Watches the callers' connections of one loop: closes those that are idle for too long, among
/// them those that never finish sending a head, and refuses those that are too many. A connection
/// is idle while no answer is under way on it, so a long stream or a slow call never is.
final class Connections implements Handler<HttpServerRequest> {
  private static final Duration ROUND = Duration.ofSeconds(1);

  private static final class State {
    private final List<HttpServerResponse> underWay = new ArrayList<>(1);
    private long idleSince;
    private long unsent;
    private boolean refused;
  }

  private final Clock clock;
  private final Duration idle;
  private final int max;
  private final AtomicInteger count;
  private final Metrics metrics;
  private final Handler<HttpServerRequest> next;
  private final Map<HttpConnection, State> open = new HashMap<>();

  /// @param count the connections of all loops
  Connections(
      Clock clock,
      Duration idle,
      int max,
      AtomicInteger count,
      Metrics metrics,
      Handler<HttpServerRequest> next) {
    this.clock = clock;
    this.idle = idle;
    this.max = max;
    this.count = count;
    this.metrics = metrics;
    this.next = next;
  }

  /// Begins to look around; only on the loop.
  void begin() {
    clock.after(ROUND, this::round);
  }

  void opened(HttpConnection connection) {
    var state = new State();
    state.idleSince = clock.nanos();
    // Until there was a first byte, Vert.x itself watched; its limit would cut silent calls off.
    if (connection instanceof ConnectionBase base
        && base.channel().pipeline().get("idle") != null) {
      base.channel().pipeline().remove("idle");
    }
    state.refused = count.incrementAndGet() > max;
    open.put(connection, state);
    // Callers break connections all the time; whatever was under way is told.
    connection.exceptionHandler(_ -> {});
    connection.closeHandler(_ -> {
      count.decrementAndGet();
      open.remove(connection);
    });
  }

  @Override
  public void handle(HttpServerRequest request) {
    State state = open.get(request.connection());
    if (state == null) {
      next.handle(request);
      return;
    }
    HttpServerResponse response = request.response();
    state.underWay.add(response);
    response.endHandler(_ -> {
      state.underWay.remove(response);
      state.idleSince = clock.nanos();
      String path = request.path();
      metrics.answered(Front.routeName(path == null ? "" : path), response.getStatusCode());
    });
    if (state.refused) {
      refuse(request);
    } else {
      next.handle(request);
    }
  }

  private void refuse(HttpServerRequest request) {
    if (request.streamId() < 0) {
      request.response().putHeader("connection", "close");
    }
    Answers.error(
        request.response(),
        503,
        "too_many_connections",
        "%,d connections are open, the most this server takes. Try again in a moment, or raise max-connections."
            .formatted(max),
        null);
    request.connection().close();
  }

  private void round() {
    long now = clock.nanos();
    for (var each : List.copyOf(open.entrySet())) {
      HttpConnection connection = each.getKey();
      State state = each.getValue();
      // A stream that its caller reset has no end of its own.
      if (state.underWay.removeIf(HttpServerResponse::closed)) {
        state.idleSince = now;
      }
      long unsent = unsent(connection);
      if (unsent != state.unsent) {
        state.unsent = unsent;
        state.idleSince = now;
      }
      if (state.underWay.isEmpty() && now - state.idleSince > idle.toNanos()) {
        connection.close();
      }
    }
    clock.after(ROUND, this::round);
  }

  /// The bytes of ended answers that a slow caller has yet to take.
  private static long unsent(HttpConnection connection) {
    if (connection instanceof ConnectionBase base) {
      ChannelOutboundBuffer buffer = base.channel().unsafe().outboundBuffer();
      return buffer == null ? 0 : buffer.totalPendingWriteBytes();
    }
    return 0;
  }
}
