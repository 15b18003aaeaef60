package dev.meanwhile.server.upstream;

import dev.meanwhile.server.VertxClock;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.server.config.UpstreamConfig;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.testkit.UpstreamContract;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/// The adapter to HTTP keeps the contract.
class HttpUpstreamTest extends UpstreamContract {
  private final Vertx vertx = Vertx.vertx();
  private final Context loop = vertx.getOrCreateContext();
  private final RawUpstream raw = RawUpstream.start();
  private final RawPeer peer = new RawPeer();
  private @Nullable HttpUpstream upstream;

  private final class RawPeer implements Peer {
    private @Nullable Exchange call;

    private Exchange call() {
      if (call == null) {
        call = raw.take();
      }
      return call;
    }

    @Override
    public void stream() throws Exception {
      call().stream();
    }

    @Override
    public void event(String json) throws Exception {
      call().event(json);
    }

    @Override
    public void done() throws Exception {
      call().done();
      call = null;
    }

    @Override
    public void answer(int status, String json) throws Exception {
      call().json(status, json);
      call = null;
    }

    @Override
    public void cut() throws Exception {
      call().cut();
    }

    @Override
    public void awaitGone() throws Exception {
      call().awaitGone();
    }
  }

  @BeforeEach
  void open() throws Exception {
    int nobody;
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = taken.getLocalPort();
    }
    Map<String, Client> clients =
        Map.of("peer", client(raw.url()), "nobody", client("http://127.0.0.1:" + nobody + "/v1"));
    upstream = new HttpUpstream(new VertxClock(loop), clients, 1 << 20, 1 << 20);
  }

  private Client client(String url) {
    UpstreamConfig config =
        ConfigReader.read(null, Map.of("upstream", url), Map.of())
            .upstreams()
            .values()
            .iterator()
            .next();
    return new Client(vertx, config, Duration.ofSeconds(5), 1, Map.of());
  }

  @AfterEach
  void close() {
    vertx.close().await();
    raw.close();
  }

  private <T> T onLoop(Callable<T> task) throws Exception {
    var done = new CompletableFuture<T>();
    loop.runOnContext(_ -> {
      try {
        done.complete(task.call());
      } catch (Exception e) {
        done.completeExceptionally(e);
      }
    });
    return done.get();
  }

  @Override
  protected Upstream.Exchange call(Request request, Upstream.Listener listener) throws Exception {
    return onLoop(() -> Objects.requireNonNull(upstream).call(request, listener));
  }

  @Override
  protected void abort(Upstream.Exchange exchange) throws Exception {
    onLoop(() -> {
      exchange.abort();
      return "";
    });
  }

  @Override
  protected Peer peer() {
    return peer;
  }

  @Override
  protected Request toNobody() {
    return request("nobody", false);
  }

  @Override
  protected Request request(boolean streamed) {
    return request("peer", streamed);
  }

  private static Request request(String upstream, boolean streamed) {
    String body = "{\"model\":\"m\",\"stream\":" + streamed + "}";
    return new Request(
        upstream,
        "chat",
        "/chat/completions",
        List.of(Map.entry("content-type", "application/json")),
        body.getBytes(StandardCharsets.UTF_8),
        streamed);
  }
}
