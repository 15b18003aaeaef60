package dev.meanwhile.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.meanwhile.crash.Http.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// A webhook endpoint in this process: a journal of the ends it was told of. Thread-safe.
///
/// Whoever is told of an end must be able to read it, so each event is checked from inside, before
/// it is answered. One in eight is answered 500 the first time it comes.
final class Receiver implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FAILS_ONE_IN = 8;

  /// One end, as it was told.
  private record Told(String event, String type) {}

  private final Http http;
  private final Node node;
  private final Journal journal;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Set<String> seen = new HashSet<>();
  private final Map<String, Told> byRun = new ConcurrentHashMap<>();
  private final AtomicInteger repeated = new AtomicInteger();
  private volatile CountDownLatch reached = new CountDownLatch(0);

  Receiver(Http http, Node node, Journal journal) throws IOException {
    this.http = http;
    this.node = node;
    this.journal = journal;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1000);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /// Has the server tell this endpoint of everything.
  void register() throws IOException {
    Answer answer =
        http.send(
            node.port(),
            "POST",
            "/v1/webhook_endpoints",
            """
            {"name": "crash", "url": "http://127.0.0.1:%d/ends", "event_types": ["response.completed",
             "response.failed", "response.cancelled", "response.incomplete"]}
            """
                .formatted(server.getAddress().getPort()));
    if (answer == null || answer.status() != 200) {
      throw new IOException("the webhook endpoint was not registered: " + answer);
    }
  }

  /// Gets told when the next event has come.
  CountDownLatch next() {
    var latch = new CountDownLatch(1);
    reached = latch;
    return latch;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      JsonNode event = JSON.readTree(body);
      String id = exchange.getRequestHeaders().getFirst("webhook-id");
      if (id == null || !id.equals(event.path("id").asString())) {
        journal.violation("webhook-id is %s in %s".formatted(id, body));
        id = "";
      }
      boolean isNew;
      synchronized (seen) {
        isNew = seen.add(id);
      }
      if (!isNew) {
        repeated.incrementAndGet();
      }
      if (isNew && Math.floorMod(id.hashCode(), FAILS_ONE_IN) == 0) {
        exchange.sendResponseHeaders(500, -1);
      } else {
        told(id, event);
        exchange.sendResponseHeaders(204, -1);
      }
      reached.countDown();
    }
  }

  private void told(String id, JsonNode event) {
    String run = event.path("data").path("id").asString();
    var told = new Told(id, event.path("type").asString());
    Told before = byRun.putIfAbsent(run, told);
    if (before != null && !before.equals(told)) {
      journal.violation("%s was told of as %s and as %s".formatted(run, before, told));
    }
    Answer answer = http.get(node.port(), "/v1/runs/" + run);
    if (answer != null && answer.status() == 200) {
      agrees(run, told, answer.body());
    } else if (answer != null
        && answer.status() == 404
        && journal.all().stream().noneMatch(it -> run.equals(it.run) && it.eraseAsked)) {
      journal.violation("%s was told of, and is not there".formatted(run));
    }
  }

  private void agrees(String run, Told told, String snapshot) {
    if (!told.type().equals("response." + Check.status(snapshot))) {
      journal.violation("%s was told of as %s, and is %s".formatted(run, told.type(), snapshot));
    }
  }

  /// Waits until every end that a reader knows has been told.
  void everything(Duration limit) {
    Pause.until(limit, () -> journal.all().stream().noneMatch(Receiver.this::isMissing));
    for (Promised each : journal.all()) {
      String snapshot = each.read.get("snapshot");
      Told told = each.run == null ? null : byRun.get(each.run);
      if (isMissing(each)) {
        journal.violation("the end of %s (%s) was told to nobody".formatted(each.run, snapshot));
      } else if (told != null && snapshot != null) {
        agrees(String.valueOf(each.run), told, snapshot);
      }
    }
  }

  private boolean isMissing(Promised promised) {
    @Nullable String run = promised.run;
    return run != null
        && !promised.eraseAsked
        && promised.read.containsKey("snapshot")
        && !byRun.containsKey(run);
  }

  /// How many ends were told.
  int ends() {
    return byRun.size();
  }

  /// How many events came again.
  int repeated() {
    return repeated.get();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
