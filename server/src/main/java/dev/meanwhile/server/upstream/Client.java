package dev.meanwhile.server.upstream;

import dev.meanwhile.server.config.UpstreamConfig;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.ProxyOptions;
import java.net.URI;
import java.time.Duration;
import java.util.Map;

/// The connections of one loop to one upstream, for the process's life. The platform's trust store
/// decides whom to trust; HTTP/2 is used where an HTTPS upstream offers it.
public final class Client {
  private final UpstreamConfig config;
  private final HttpClient http;
  private final String host;
  private final int port;
  private final boolean tls;
  private final String authority;

  /// @param loops over how many loops the upstream's connections are shared out
  /// @param environment where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up
  public Client(
      Vertx vertx,
      UpstreamConfig config,
      Duration connectTimeout,
      int loops,
      Map<String, String> environment) {
    this.config = config;
    URI base = config.baseUrl();
    tls = "https".equals(base.getScheme());
    host =
        base.getHost().startsWith("[") ? base.getHost().replaceAll("[\\[\\]]", "") : base.getHost();
    port = base.getPort() > 0 ? base.getPort() : tls ? 443 : 80;
    authority = base.getPort() > 0 ? base.getHost() + ":" + port : base.getHost();
    var options =
        new HttpClientOptions()
            .setSsl(tls)
            .setUseAlpn(tls)
            .setProtocolVersion(tls ? HttpVersion.HTTP_2 : HttpVersion.HTTP_1_1)
            .setConnectTimeout((int) Math.min(Integer.MAX_VALUE, connectTimeout.toMillis()))
            // Shorter than common servers' own limit, so that a connection seldom dies in our
            // hands.
            .setKeepAliveTimeout(30)
            .setHttp2KeepAliveTimeout(30)
            .setDecompressionSupported(false)
            .setMaxHeaderSize(64 << 10)
            .setMaxChunkSize(64 << 10);
    ProxyOptions proxy = Proxies.of(base, environment);
    if (proxy != null) {
      options.setProxyOptions(proxy);
    }
    int share = Math.max(1, config.maxConnections() / loops);
    var pool =
        new PoolOptions()
            .setHttp1MaxSize(share)
            .setHttp2MaxSize(Math.max(1, share / 100))
            .setMaxWaitQueueSize(Math.max(1, config.maxQueue() / loops));
    http =
        vertx
            .httpClientBuilder()
            .with(options)
            .with(pool)
            // Each call under way is told of it; a log line more would tell nothing new.
            .withConnectHandler(connection -> connection.exceptionHandler(_ -> {}))
            .build();
  }

  public UpstreamConfig config() {
    return config;
  }

  /// A request for which there is a connection; its path is the upstream's own and `path`.
  Future<HttpClientRequest> request(HttpMethod method, String path) {
    return http.request(
            new RequestOptions()
                .setMethod(method)
                .setHost(host)
                .setPort(port)
                .setSsl(tls)
                .setURI(config.baseUrl().getRawPath() + path))
        .onSuccess(request ->
            request.authority(io.vertx.core.net.HostAndPort.parseAuthority(authority, port)));
  }

  /// `https://api.example.com/v1`, for errors.
  String name() {
    return config.name() + " (" + config.baseUrl() + ")";
  }
}
