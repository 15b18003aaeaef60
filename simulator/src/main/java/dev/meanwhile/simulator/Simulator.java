package dev.meanwhile.simulator;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;

/// A running simulator. Thread-safe.
///
/// Calls: `POST /v1/chat/completions`, `POST /v1/embeddings`, `GET /v1/models`, `GET
/// /v1/models/{id}`, `GET /sim/backend/{cache|service|database}`, `GET /sim/stats`, `POST
/// /sim/reset`; HTTP/1.1 and HTTP/2 in clear text. A call may fix its latency and its fault with
/// the headers `x-sim-first-token-ms`, `x-sim-token-ms`, `x-sim-tokens` and `x-sim-fault`, the
/// fault also behind the model's name and a colon.
public final class Simulator {
  private static final int MAX_HEADERS = 64 << 10;
  private static final int BACKLOG = 8_192;
  private static final int STREAMS_PER_CONNECTION = 10_000;
  private static final int RESETS_PER_WINDOW = 1_000_000;

  private final Vertx vertx;
  private final World world;
  private final String deployment;
  private final int port;

  private Simulator(Vertx vertx, World world, String deployment, int port) {
    this.vertx = vertx;
    this.world = world;
    this.deployment = deployment;
    this.port = port;
  }

  /// Binds and serves. Reads the recording, if there is one, before anything else: on the calling
  /// thread.
  ///
  /// @return fails if the recording cannot be read or the address cannot be bound
  public static Future<Simulator> start(Vertx vertx, SimulatorConfig config) {
    World world;
    try {
      world = new World(config);
    } catch (IOException e) {
      return Future.failedFuture(e);
    }
    var server = new AtomicReference<HttpServer>();
    var options = new DeploymentOptions().setInstances(config.loops());
    return vertx
        .deployVerticle(() -> new Loop(world, address(config), server), options)
        .map(deployment ->
            new Simulator(
                vertx, world, deployment, Objects.requireNonNull(server.get()).actualPort()));
  }

  private static HttpServerOptions options() {
    return new HttpServerOptions()
        .setMaxHeaderSize(MAX_HEADERS)
        .setAcceptBacklog(BACKLOG)
        .setHandle100ContinueAutomatically(true)
        .setInitialSettings(new Http2Settings().setMaxConcurrentStreams(STREAMS_PER_CONNECTION))
        .setHttp2RstFloodMaxRstFramePerWindow(RESETS_PER_WINDOW);
  }

  /// Any free port is drawn once, for all loops.
  private static SocketAddress address(SimulatorConfig config) {
    return config.port() == 0
        ? SocketAddress.sharedRandomPort(1, config.host())
        : SocketAddress.inetSocketAddress(config.port(), config.host());
  }

  /// The port it listens on.
  public int port() {
    return port;
  }

  /// What it has been asked so far.
  public Stats stats() {
    return world.stats();
  }

  /// Forgets counts and occurrence numbers, as `POST /sim/reset` does.
  public void reset() {
    world.reset();
  }

  /// Stops listening and closes all connections; answers under way are lost.
  public Future<Void> close() {
    return vertx.undeploy(deployment);
  }

  /// One event loop's share.
  private static final class Loop extends VerticleBase {
    private final World world;
    private final SocketAddress address;
    private final AtomicReference<HttpServer> server;

    Loop(World world, SocketAddress address, AtomicReference<HttpServer> server) {
      this.world = world;
      this.address = address;
      this.server = server;
    }

    @Override
    public Future<?> start() {
      return vertx
          .createHttpServer(options())
          .requestHandler(new Routes(world, new Wheel(vertx)))
          .listen(address)
          .onSuccess(server::set);
    }
  }
}
