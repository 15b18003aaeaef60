package dev.meanwhile.server;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.dispatch.Queue;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.server.auth.Authenticator;
import dev.meanwhile.server.auth.Secret;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.CurrentConfig;
import dev.meanwhile.server.config.MailConfig;
import dev.meanwhile.server.config.UpstreamConfig;
import dev.meanwhile.server.mail.MailSender;
import dev.meanwhile.server.prefetch.Prefetches;
import dev.meanwhile.server.prefetch.Sources;
import dev.meanwhile.server.redis.RedisAnswers;
import dev.meanwhile.server.telemetry.Metrics;
import dev.meanwhile.server.telemetry.RunLines;
import dev.meanwhile.server.telemetry.Typical;
import dev.meanwhile.server.webhook.Guard;
import dev.meanwhile.server.webhook.HttpSender;
import dev.meanwhile.store.Store;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.net.SocketAddress;
import java.io.PrintStream;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// The server, from its start to its end.
public final class Server implements AutoCloseable {
  /// How long the last errors may take to be sent.
  private static final Duration LAST_WORDS = Duration.ofSeconds(1);

  private final Vertx vertx;
  private final List<ServerLoop> loops = new CopyOnWriteArrayList<>();
  private final CurrentConfig current;

  /// As it was at the start: what does not change.
  private final Config config;

  private final Meanwhile engine;
  private final RunLines lines;
  private final Metrics metrics;
  private final Typical typical = new Typical();
  private final @Nullable Store store;
  private final @Nullable RedisAnswers redis;
  private final Prefetches prefetches;
  private volatile boolean ready = true;
  private boolean closed;
  private volatile int port;

  private Server(CurrentConfig current, PrintStream log, @Nullable Store store) {
    this.current = current;
    this.config = current.get();
    this.store = store;
    this.prefetches = new Prefetches(current, new Sources());
    var server = config.server();
    this.vertx =
        Vertx.vertx(
            new VertxOptions().setEventLoopPoolSize(server.loops()).setPreferNativeTransport(true));
    URI cache = server.cacheRedis();
    this.redis = cache == null ? null : new RedisAnswers(vertx, cache);
    this.lines = new RunLines(log);
    this.metrics = new Metrics(this::open, this::kept);
    this.engine =
        new Meanwhile(
            new Meanwhile.Settings(
                server.loops(),
                server.maxRun(),
                server.maxRuns(),
                server.keep(),
                server.keepBytes(),
                server.cacheBytes(),
                server.retryWindow(),
                server.backgroundDeadline(),
                this::queue),
            store,
            redis == null ? store : redis,
            new All(List.of(metrics, lines, typical)));
    Set<String> upstreams = config.upstreams().keySet();
    metrics.perUpstream(
        "meanwhile_background_queued",
        "Background runs that wait for their turn.",
        upstreams,
        name -> engine.queue(name).length());
    metrics.perUpstream(
        "meanwhile_background_calls",
        "Calls of background work that are under way.",
        upstreams,
        name -> engine.queue(name).underWay());
    if (store != null) {
      metrics.store(() -> store.trouble() == null);
    }
  }

  private Queue queue(String upstream) {
    UpstreamConfig its = Objects.requireNonNull(config.upstreams().get(upstream), upstream);
    return new Queue(its.maxBackground(), its.maxQueued());
  }

  private int open() {
    return engine.waitedFor();
  }

  private int kept() {
    return engine.kept();
  }

  /// Starts a server, and returns when it listens.
  ///
  /// @param environment where the proxy variables are looked up
  /// @param log takes one line of JSON per run
  /// @param store keeps what is promised, and is closed with the server; null: nothing is promised
  /// @throws StartFailure if it cannot listen, with what to do
  /// @throws dev.meanwhile.store.StoreException if the store cannot be opened, with what to do
  public static Server start(
      Config config, Map<String, String> environment, PrintStream log, @Nullable Store store) {
    return start(CurrentConfig.of(config), environment, log, store);
  }

  /// The same, by a configuration that can be reloaded.
  public static Server start(
      CurrentConfig current,
      Map<String, String> environment,
      PrintStream log,
      @Nullable Store store) {
    var server = new Server(current, log, store);
    try {
      server.listen(environment);
      return server;
    } catch (RuntimeException e) {
      server.end();
      throw e;
    }
  }

  private void listen(Map<String, String> environment) {
    engine.open();
    if (redis != null) {
      redis.open(engine::purged);
    }
    Secret secret = store == null ? Secret.random() : Secret.in(store);
    // One loop sends to all webhooks: there are as many connections as there are endpoints.
    Context context = vertx.getOrCreateContext();
    var clock = new VertxClock(context);
    var sender = new HttpSender(vertx, context, clock, new Guard(config.server().webhooksAllow()));
    MailConfig mail = config.mail();
    var mails =
        mail == null
            ? null
            : new MailSender(
                clock, mail, new Authenticator(current, secret).signedUrls(), engine::find);
    engine.notify(
        clock, new Senders(sender, mails, metrics), mail == null ? 1 : mail.perRecipient());
    var connections = new AtomicInteger();
    int wanted = config.server().port();
    String bind = config.server().bind();
    // Any free port is drawn once, for all loops.
    SocketAddress address =
        wanted == 0
            ? SocketAddress.sharedRandomPort(1, bind)
            : SocketAddress.inetSocketAddress(wanted, bind);
    for (int i = 0; i < config.server().loops(); i++) {
      var verticle =
          new ServerLoop(
              current,
              engine,
              metrics,
              typical,
              secret,
              sender,
              prefetches,
              connections,
              environment,
              address,
              () -> ready);
      loops.add(verticle);
      try {
        await(vertx.deployVerticle(verticle));
      } catch (CompletionException e) {
        throw StartFailure.of(config.server(), e.getCause() == null ? e : e.getCause());
      }
      port = verticle.port();
    }
    engine.recover();
  }

  /// The port it listens on.
  public int port() {
    return port;
  }

  /// Stops: no new runs from now on, those that are watched may finish within the shutdown limit.
  /// Blocks until all is over; nothing happens the second time.
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    ready = false;
    prefetches.stop();
    engine.stopAccepting();
    long limit = System.nanoTime() + config.server().shutdownTimeout().toNanos();
    while (engine.waitedFor() + engine.background() > 0 && System.nanoTime() < limit && pause()) {
      // Somebody may have left meanwhile, and nobody watches their run now.
      engine.stopAccepting();
    }
    engine.stopAll(
        new Failure(
            503, "shutting_down", "This server is stopping and could not wait longer. Try again."));
    // What is not a run, and what slow callers have yet to take, has the rest of the time.
    Duration rest = Duration.ofNanos(Math.max(limit - System.nanoTime(), LAST_WORDS.toNanos()));
    try {
      await(Future.all(loops.stream().map(loop -> loop.shutdown(rest)).toList()), rest);
    } finally {
      end();
    }
  }

  /// Whether it was not interrupted.
  private static boolean pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(20);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void end() {
    if (redis != null) {
      redis.close();
    }
    try {
      await(vertx.close());
    } finally {
      if (store != null) {
        store.close();
      }
      lines.close();
    }
  }

  private static <T> T await(Future<T> future) {
    return await(future, Duration.ZERO);
  }

  private static <T> T await(Future<T> future, Duration longer) {
    CompletableFuture<T> done = future.toCompletionStage().toCompletableFuture();
    try {
      return done.orTimeout(longer.toSeconds() + 30, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof TimeoutException) {
        throw new IllegalStateException("Vert.x did not answer in time", e);
      }
      throw e;
    }
  }

  private record All(List<Journal> journals) implements Journal {
    @Override
    public void began(Run run) {
      journals.forEach(journal -> journal.began(run));
    }

    @Override
    public void ended(Run run, long firstContent, long total) {
      journals.forEach(journal -> journal.ended(run, firstContent, total));
    }
  }
}
