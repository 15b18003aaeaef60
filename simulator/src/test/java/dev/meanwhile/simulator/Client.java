package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A simulator of a test's own, and what talks to it.
final class Client implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Pattern CONTENT = Pattern.compile("\"content\":\"((?:[^\"\\\\]|\\\\.)*)\"");
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2));
  private final HttpClient http;
  final Simulator simulator;

  Client(SimulatorConfig config) {
    this(config, HttpClient.Version.HTTP_1_1);
  }

  Client(SimulatorConfig config, HttpClient.Version version) {
    http = HttpClient.newBuilder().version(version).build();
    simulator = Simulator.start(vertx, config).await();
  }

  /// A chat call's body with these other members.
  static String chat(String model, String members) {
    return "{\"model\":\""
        + model
        + "\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"
        + members
        + "}";
  }

  static String streamed(String model) {
    return chat(model, ",\"stream\":true");
  }

  /// Posts, with no latency unless headers (name, value, …) say otherwise.
  HttpResponse<byte[]> post(String path, String body, String... headers) throws Exception {
    var none = Stream.of("x-sim-first-token-ms", "0", "x-sim-token-ms", "0");
    return send(path, body, Stream.concat(none, Stream.of(headers)).toArray(String[]::new));
  }

  /// Posts, with the latency that is drawn.
  HttpResponse<byte[]> send(String path, String body, String... headers) throws Exception {
    var request = request(path).POST(HttpRequest.BodyPublishers.ofString(body));
    for (int i = 0; i < headers.length; i += 2) {
      request.setHeader(headers[i], headers[i + 1]);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  HttpResponse<byte[]> chat(String body, String... headers) throws Exception {
    return post("/v1/chat/completions", body, headers);
  }

  HttpResponse<byte[]> get(String path) throws Exception {
    return http.send(request(path).build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + simulator.port() + path))
        .timeout(PATIENCE);
  }

  /// A connection on which this chat call has been sent.
  Socket open(String body, String headers) throws IOException {
    var socket = new Socket(InetAddress.getLoopbackAddress(), simulator.port());
    socket.setSoTimeout((int) PATIENCE.toMillis());
    byte[] bytes = body.getBytes(UTF_8);
    String head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
            + headers
            + "content-length: "
            + bytes.length
            + "\r\n\r\n";
    socket.getOutputStream().write(head.getBytes(UTF_8));
    socket.getOutputStream().write(bytes);
    return socket;
  }

  static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), UTF_8);
  }

  static JsonNode json(HttpResponse<byte[]> response) {
    return MAPPER.readTree(response.body());
  }

  static JsonNode json(String text) {
    return MAPPER.readTree(text);
  }

  /// All contents of a stream, joined.
  static String content(String stream) {
    return CONTENT
        .matcher(stream)
        .results()
        .map(match -> json("\"" + match.group(1) + "\"").asString())
        .collect(Collectors.joining());
  }

  static void eventually(String what, BooleanSupplier holds) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
    http.close();
    simulator.close().await();
    vertx.close().await();
  }
}
