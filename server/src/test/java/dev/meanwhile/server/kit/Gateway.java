package dev.meanwhile.server.kit;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.server.config.CurrentConfig;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.jdbc.StoreSettings;
import dev.meanwhile.store.jdbc.Stores;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A server of a test's own, on a port of its own.
public final class Gateway implements AutoCloseable {
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final Server server;
  private final ByteArrayOutputStream log;

  private Gateway(Server server, ByteArrayOutputStream log) {
    this.server = server;
    this.log = log;
  }

  /// Before this upstream; `flags` as on the command line: `"--keep=1s"`.
  public static Gateway before(String upstream, String... flags) {
    var all = flags(flags);
    all.put("upstream", upstream);
    return start(ConfigReader.read(null, all, Map.of()), Map.of(), null);
  }

  public static Gateway before(RawUpstream upstream, String... flags) {
    return before(upstream.url(), flags);
  }

  /// The same, which keeps what it promises in `data`; whoever starts there again finds it.
  public static Gateway keeping(Path data, RawUpstream upstream, String... flags) {
    var all = flags(flags);
    all.put("upstream", upstream.url());
    return start(ConfigReader.read(null, all, Map.of()), Map.of(), store(data));
  }

  /// By a configuration file with this text.
  public static Gateway configured(String yaml, String... flags) {
    return configured(yaml, Map.of(), flags);
  }

  /// The same, which keeps what it promises in `data`.
  public static Gateway configured(Path data, String yaml, String... flags) {
    return configured(yaml, Map.of(), store(data), flags);
  }

  /// The same, with a store of the test's own.
  public static Gateway configured(Store store, String yaml, String... flags) {
    return configured(yaml, Map.of(), store, flags);
  }

  /// @param environment the process's variables
  public static Gateway configured(String yaml, Map<String, String> environment, String... flags) {
    return configured(yaml, environment, null, flags);
  }

  /// The same, which keeps what it promises in `data`.
  public static Gateway configured(Path data, String yaml, Map<String, String> environment) {
    return configured(yaml, environment, store(data));
  }

  private static Gateway configured(
      String yaml, Map<String, String> environment, @Nullable Store store, String... flags) {
    try {
      Path file = Files.createTempFile("meanwhile", ".yaml");
      try {
        Files.writeString(file, yaml);
        return start(ConfigReader.read(file, flags(flags), environment), environment, store);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// By this configuration file, which can be reloaded; keeps what it promises in `data`.
  public static Gateway reloading(Path data, Path file, String... flags) {
    Supplier<Config> source = () -> ConfigReader.read(file, flags(flags), Map.of());
    return start(new CurrentConfig(source.get(), source), Map.of(), store(data));
  }

  /// By a configuration, with a store of the test's own.
  public static Gateway over(Store store, RawUpstream upstream, String... flags) {
    var all = flags(flags);
    all.put("upstream", upstream.url());
    return start(ConfigReader.read(null, all, Map.of()), Map.of(), store);
  }

  /// A SQLite store in this directory.
  public static Store store(Path data) {
    var retention = new Store.Retention(Duration.ofDays(1), 1L << 30);
    return Stores.of(new StoreSettings.InDirectory(data, retention, 1));
  }

  private static Gateway start(
      Config config, Map<String, String> environment, @Nullable Store store) {
    return start(CurrentConfig.of(config), environment, store);
  }

  private static Gateway start(
      CurrentConfig current, Map<String, String> environment, @Nullable Store store) {
    var log = new ByteArrayOutputStream();
    return new Gateway(
        Server.start(current, environment, new PrintStream(log, true, UTF_8), store), log);
  }

  private static Map<String, String> flags(String... flags) {
    var all = new HashMap<>(Map.of("port", "0", "shutdown-timeout", "0s"));
    for (String flag : flags) {
      String[] parts = flag.substring(2).split("=", 2);
      all.put(parts[0], parts.length > 1 ? parts[1] : "true");
    }
    return all;
  }

  public Server server() {
    return server;
  }

  public int port() {
    return server.port();
  }

  public URI uri(String path) {
    return URI.create("http://localhost:" + port() + path);
  }

  /// A raw connection to it.
  public Wire wire() throws IOException {
    return new Wire(port());
  }

  /// The lines it has logged.
  public String log() {
    return log.toString(UTF_8);
  }

  /// A GET with these headers: name, value, ….
  public HttpResponse<String> get(String path, String... headers)
      throws IOException, InterruptedException {
    return send(request(path, headers).GET().build());
  }

  public HttpResponse<String> post(String path, String body, String... headers)
      throws IOException, InterruptedException {
    return send(request(path, headers).POST(HttpRequest.BodyPublishers.ofString(body)).build());
  }

  public HttpResponse<String> chat(String body, String... headers)
      throws IOException, InterruptedException {
    return post("/v1/chat/completions", body, headers);
  }

  public HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
  }

  public HttpRequest.Builder request(String path, String... headers) {
    var request = HttpRequest.newBuilder(uri(path)).timeout(Eventually.PATIENCE);
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return request;
  }

  /// What SIGTERM does.
  public void stop() {
    server.close();
  }

  @Override
  public void close() {
    stop();
  }
}
