package dev.meanwhile.server.upstream;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import java.util.Map;
import java.util.Objects;

/// The upstreams of one loop, over HTTP.
public final class HttpUpstream implements Upstream {
  private final Clock clock;
  private final Map<String, Client> clients;
  private final int maxEvent;
  private final int maxRun;

  /// @param clients the connections by the upstream's name
  /// @param maxEvent the most bytes of one streamed event
  /// @param maxRun the most bytes of a plain answer
  public HttpUpstream(Clock clock, Map<String, Client> clients, int maxEvent, int maxRun) {
    this.clock = clock;
    this.clients = clients;
    this.maxEvent = maxEvent;
    this.maxRun = maxRun;
  }

  @Override
  public Exchange call(Request request, Listener listener) {
    Client client = Objects.requireNonNull(clients.get(request.upstream()), request.upstream());
    var exchange = new HttpExchange(clock, client, request, listener, maxEvent, maxRun);
    exchange.begin();
    return exchange;
  }
}
