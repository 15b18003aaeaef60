package dev.meanwhile.server.kit;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.PemKeyCertOptions;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// An HTTPS upstream that offers the versions of HTTP it is told to, by ALPN. A test takes each
/// call and answers it.
public final class SecureUpstream implements AutoCloseable {
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final LinkedBlockingQueue<Call> untaken = new LinkedBlockingQueue<>();
  private final HttpServer server;

  private SecureUpstream(HttpServerOptions options) {
    server =
        vertx
            .createHttpServer(options)
            .requestHandler(request -> {
              Context context = vertx.getOrCreateContext();
              request.body().onSuccess(_ -> untaken.add(new Call(request, context)));
            })
            .listen()
            .await();
  }

  /// @param offered none for a server that knows no ALPN
  public static SecureUpstream start(Certificate certificate, List<HttpVersion> offered) {
    var options =
        new HttpServerOptions()
            .setHost("127.0.0.1")
            .setPort(0)
            .setSsl(true)
            .setUseAlpn(!offered.isEmpty())
            .setKeyCertOptions(
                new PemKeyCertOptions()
                    .setCertPath(certificate.cert().toString())
                    .setKeyPath(certificate.key().toString()));
    if (!offered.isEmpty()) {
      options.setAlpnVersions(offered);
    }
    return new SecureUpstream(options);
  }

  /// By the name that its certificate is for.
  public String authority() {
    return "localhost:" + server.actualPort();
  }

  /// The next call, once it is there.
  public Call take() throws InterruptedException {
    Call call = untaken.poll(Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    return Objects.requireNonNull(call, "the upstream was not called");
  }

  @Override
  public void close() {
    vertx.close().await();
  }

  /// One call, and the pen to write its answer with: each piece is sent at once.
  public static final class Call {
    private final HttpServerRequest request;
    private final Context context;

    private Call(HttpServerRequest request, Context context) {
      this.request = request;
      this.context = context;
    }

    public HttpVersion version() {
      return request.version();
    }

    public String authority() {
      return String.valueOf(request.authority());
    }

    public @Nullable String header(String name) {
      return request.getHeader(name);
    }

    /// A whole plain answer.
    public void json(String json) {
      write(response -> response.putHeader("content-type", "application/json").end(json));
    }

    /// Begins an event stream.
    public void stream() {
      write(response -> response.putHeader("content-type", "text/event-stream").setChunked(true));
    }

    public void event(String data) {
      write(response -> response.write("data: " + data + "\n\n"));
    }

    /// `[DONE]`, and the end.
    public void done() {
      write(response -> response.end("data: [DONE]\n\n"));
    }

    private void write(Consumer<HttpServerResponse> what) {
      context.runOnContext(_ -> what.accept(request.response()));
    }
  }
}
