package dev.meanwhile.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.simulator.Simulator;
import dev.meanwhile.simulator.SimulatorConfig;
import dev.meanwhile.simulator.Stats;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.jdbc.StoreSettings;
import dev.meanwhile.store.jdbc.Stores;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A server as `meanwhile serve --upstream` starts it, with a simulated AI API behind it, on free
/// ports of this machine. Thread-safe, but for [#restart].
public final class Rig implements AutoCloseable {
  /// What all clients give as their key. The server knows none, so it goes upstream, and a run is
  /// shown only to the key that began it.
  public static final String API_KEY = "sk-conformance";

  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(10);
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(5);

  private final Vertx vertx;
  private final Simulator simulator;
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private final @Nullable Path data;
  private final Config config;
  private Server server;
  private final HttpClient http = HttpClient.newHttpClient();

  private Rig(Vertx vertx, Simulator simulator, Config config, @Nullable Path data) {
    this.data = data;
    this.vertx = vertx;
    this.simulator = simulator;
    this.config = config;
    this.server = serve(config, data, log);
  }

  private static Server serve(Config config, @Nullable Path data, ByteArrayOutputStream log) {
    Store store = null;
    if (data != null) {
      var retention = new Store.Retention(Duration.ofDays(1), 1L << 30);
      store = Stores.of(new StoreSettings.InDirectory(data, retention, 1));
    }
    return Server.start(config, Map.of(), new PrintStream(log, true, UTF_8), store);
  }

  /// Stops the server and starts another over the same data, at another address.
  public void restart() {
    server.close();
    server = serve(config, data, log);
  }

  /// Starts both, and returns when both listen.
  public static Rig start() {
    return start(SimulatorConfig.defaults(), Map.of(), Map.of(), null);
  }

  /// The same, with an upstream key of its own and a store, so that it takes work that outlives its
  /// request.
  public static Rig keeping() {
    return keeping(SimulatorConfig.defaults());
  }

  /// The same, before an AI API that answers with what a real one said: a `.json` file plain calls,
  /// any other streamed ones.
  public static Rig replaying(Path recording) {
    return keeping(SimulatorConfig.defaults().withReplay(recording));
  }

  private static Rig keeping(SimulatorConfig upstream) {
    try {
      return start(
          upstream,
          Map.of("upstream-key-env", "UPSTREAM_KEY", "webhooks-allow", "127.0.0.1"),
          Map.of("UPSTREAM_KEY", "sk-upstream"),
          Files.createTempDirectory("meanwhile-conformance"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// @param data where the server keeps what it promises, or null
  private static Rig start(
      SimulatorConfig upstream,
      Map<String, String> more,
      Map<String, String> environment,
      @Nullable Path data) {
    Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    Simulator simulator = await(Simulator.start(vertx, upstream.withPort(0)));
    var flags = new HashMap<>(more);
    flags.put("upstream", "http://127.0.0.1:" + simulator.port() + "/v1");
    // A page of the simulator's is one of another origin, which the server lists.
    flags.put("cors", "http://127.0.0.1:" + simulator.port());
    flags.put("port", "0");
    flags.put("shutdown-timeout", "0s");
    var config = ConfigReader.read(operations(), flags, environment);
    return new Rig(vertx, simulator, config, data);
  }

  /// A configuration with what clients call by name.
  private static Path operations() {
    try {
      Path file = Files.createTempFile("meanwhile-conformance", ".yaml");
      file.toFile().deleteOnExit();
      return Files.writeString(
          file,
          """
          operations:
            summary:
              for: report
              model: sim-fast
              system: Be brief.
              prompt: "How do {{what}} cross borders?"
          """);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The address of the server, without a path.
  public String origin() {
    return "http://127.0.0.1:" + server.port();
  }

  /// What a client is given as its base URL.
  public String baseUrl() {
    return origin() + "/v1";
  }

  /// The address of the simulated AI API, without a path.
  public String simulatorOrigin() {
    return "http://127.0.0.1:" + simulator.port();
  }

  /// What reached the AI API since the start.
  public Stats stats() {
    return simulator.stats();
  }

  /// Waits until the AI API has seen so many callers leave before the end of their answers.
  ///
  /// @throws AssertionError if it has not within 10 s
  public void awaitCancelled(long calls) {
    await(calls + " cancelled upstream", () -> stats().cancelled() >= calls);
  }

  /// Waits until the server sends no stream to anybody, so that it has seen all callers leave.
  ///
  /// @throws AssertionError if it still does after 10 s
  public void awaitNoStreams() {
    await(
        "no open streams",
        () -> get("/metrics").lines().anyMatch("meanwhile_open_streams 0.0"::equals));
  }

  /// Stops a run, and returns its last snapshot.
  public String cancel(String run) {
    return send(request("/v1/runs/" + run + "/cancel").POST(BodyPublishers.noBody()).build());
  }

  /// What the server logged of its runs, one line of JSON each, once there are so many.
  ///
  /// @throws AssertionError if there are not within 10 s
  public List<String> awaitRunLines(int lines) {
    await(lines + " runs logged", () -> runLines().size() >= lines);
    return runLines();
  }

  private List<String> runLines() {
    return log.toString(UTF_8).lines().toList();
  }

  private String get(String path) {
    return send(request(path).GET().build());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(origin() + path))
        .header("authorization", "Bearer " + API_KEY);
  }

  private String send(HttpRequest request) {
    try {
      return http.send(request, BodyHandlers.ofString()).body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while asking " + request.uri(), e);
    }
  }

  private static void await(String what, BooleanSupplier holds) {
    long limit = System.nanoTime() + PATIENCE;
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > limit) {
        throw new AssertionError("not within 10 s: " + what);
      }
      // Nobody tells when it has happened, so it is asked for again.
      LockSupport.parkNanos(PAUSE);
    }
  }

  private static <T> T await(Future<T> future) {
    CompletableFuture<T> done = future.toCompletionStage().toCompletableFuture();
    return done.orTimeout(30, TimeUnit.SECONDS).join();
  }

  @Override
  public void close() {
    http.close();
    server.close();
    await(vertx.close());
    if (data != null) {
      delete(data);
    }
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
