package dev.meanwhile.server;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.notify.Sender;
import dev.meanwhile.server.auth.Authenticator;
import dev.meanwhile.server.auth.Secret;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.CurrentConfig;
import dev.meanwhile.server.config.UpstreamConfig;
import dev.meanwhile.server.prefetch.Prefetches;
import dev.meanwhile.server.route.Front;
import dev.meanwhile.server.route.Loop;
import dev.meanwhile.server.telemetry.Metrics;
import dev.meanwhile.server.telemetry.Typical;
import dev.meanwhile.server.upstream.Client;
import dev.meanwhile.server.upstream.HttpUpstream;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.SocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// One event loop: accepts connections, and has upstream connections and a dispatcher of its own,
/// so that a call stays on it from its beginning to its end.
final class ServerLoop extends VerticleBase {
  private final CurrentConfig current;

  /// As it was at the start: what does not change.
  private final Config config;

  private final Meanwhile engine;
  private final Metrics metrics;
  private final Typical typical;
  private final Secret secret;
  private final Sender sender;
  private final Prefetches prefetches;
  private final AtomicInteger connections;
  private final Map<String, String> environment;
  private final SocketAddress address;
  private final BooleanSupplier ready;
  private volatile int port;
  private volatile @Nullable HttpServer http;

  ServerLoop(
      CurrentConfig current,
      Meanwhile engine,
      Metrics metrics,
      Typical typical,
      Secret secret,
      Sender sender,
      Prefetches prefetches,
      AtomicInteger connections,
      Map<String, String> environment,
      SocketAddress address,
      BooleanSupplier ready) {
    this.current = current;
    this.config = current.get();
    this.engine = engine;
    this.metrics = metrics;
    this.typical = typical;
    this.secret = secret;
    this.sender = sender;
    this.prefetches = prefetches;
    this.connections = connections;
    this.environment = environment;
    this.address = address;
    this.ready = ready;
  }

  int port() {
    return port;
  }

  @Override
  public Future<?> start() {
    var server = config.server();
    var clock = new VertxClock(context);
    var clients = new LinkedHashMap<String, Client>();
    for (UpstreamConfig each : config.upstreams().values()) {
      clients.put(
          each.name(),
          new Client(vertx, each, server.connectTimeout(), server.loops(), environment));
    }
    var upstream = new HttpUpstream(clock, clients, server.maxEvent(), server.maxRun());
    var loop =
        new Loop(
            clock,
            current,
            engine,
            engine.on(clock, upstream),
            engine.feedsOn(clock),
            clients,
            new Authenticator(current, secret),
            secret,
            new Links(server),
            metrics,
            typical,
            sender,
            prefetches,
            ready);
    var watched =
        new Connections(
            clock,
            server.idleTimeout(),
            server.maxConnections(),
            connections,
            metrics,
            new Front(loop));
    watched.begin();
    HttpServer listening = vertx.createHttpServer(options());
    listening.connectionHandler(watched::opened);
    listening.requestHandler(watched);
    listening.invalidRequestHandler(new InvalidRequest());
    http = listening;
    return listening.listen(address).onSuccess(it -> port = it.actualPort());
  }

  /// Takes no more connections, and closes each when no answer is under way on it, all of them
  /// after `limit`.
  Future<?> shutdown(Duration limit) {
    HttpServer listening = http;
    return listening == null ? Future.succeededFuture() : listening.shutdown(limit);
  }

  private HttpServerOptions options() {
    var server = config.server();
    var options =
        new HttpServerOptions()
            .setMaxHeaderSize(server.maxHeader())
            .setMaxInitialLineLength(8 << 10)
            .setHandle100ContinueAutomatically(true)
            .setCompressionSupported(false)
            .setDecompressionSupported(false)
            .setMaxChunkSize(64 << 10)
            .setAcceptBacklog(4_096)
            .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
            .setIdleTimeout((int) Math.min(Integer.MAX_VALUE, server.idleTimeout().toMillis()))
            .setInitialSettings(
                new Http2Settings()
                    .setMaxConcurrentStreams(1_000)
                    .setMaxHeaderListSize(server.maxHeader()));
    if (server.tlsCert() != null && server.tlsKey() != null) {
      options
          .setSsl(true)
          .setUseAlpn(true)
          .setKeyCertOptions(
              new PemKeyCertOptions()
                  .setCertPath(server.tlsCert().toString())
                  .setKeyPath(server.tlsKey().toString()));
    }
    return options;
  }
}
