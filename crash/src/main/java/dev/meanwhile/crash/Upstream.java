package dev.meanwhile.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A scripted AI API in this process, which the killed one cannot take with it: a journal of all
/// calls, and answers that tell which call they are of.
final class Upstream implements AutoCloseable {
  /// A moment of a call at which somebody may want to kill.
  enum Moment {
    FIRST_BYTE,
    END
  }

  private static final Pattern STREAM = Pattern.compile("\"stream\"\\s*:\\s*true");
  private static final Pattern USAGE = Pattern.compile("\"include_usage\"\\s*:\\s*true");
  private static final String USAGE_JSON =
      "{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}";

  static {
    // Else each token waits for the acknowledgement of the one before.
    System.setProperty("sun.net.httpserver.nodelay", "true");
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<UpstreamCall> calls = new ArrayList<>();
  private final Map<String, Integer> counts = new HashMap<>();
  private volatile boolean silent;
  private @Nullable Moment awaited;
  private CountDownLatch reached = new CountDownLatch(0);

  Upstream() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1000);
    server.setExecutor(threads);
    server.createContext("/v1/chat/completions", this::handle);
    server.start();
  }

  String baseUrl() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  /// All calls so far, in order.
  synchronized List<UpstreamCall> calls() {
    return List.copyOf(calls);
  }

  /// From now on no call is answered, or all are again.
  void silent(boolean now) {
    silent = now;
  }

  /// Gets told the next time a call comes to this moment.
  synchronized CountDownLatch next(Moment moment) {
    awaited = moment;
    reached = new CountDownLatch(1);
    return reached;
  }

  private synchronized void at(Moment moment) {
    if (awaited == moment) {
      reached.countDown();
    }
  }

  private void handle(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
    Question question = Question.in(body);
    int place;
    UpstreamCall call;
    synchronized (this) {
      int number = counts.merge(question.marker(), 1, Integer::sum);
      boolean refused = question.flaky() && number == 1;
      call = new UpstreamCall(question.marker(), number, System.nanoTime(), refused, false);
      place = calls.size();
      calls.add(call);
    }
    try (exchange) {
      if (call.refused()) {
        exchange.sendResponseHeaders(503, -1);
      } else if (STREAM.matcher(body).find()) {
        stream(exchange, question, call.number(), USAGE.matcher(body).find());
      } else {
        plain(exchange, question, call.number());
      }
      synchronized (this) {
        calls.set(place, call.toItsEnd());
      }
      at(Moment.END);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void stream(HttpExchange exchange, Question question, int call, boolean usage)
      throws IOException, InterruptedException {
    exchange.getResponseHeaders().set("content-type", "text/event-stream");
    exchange.sendResponseHeaders(200, 0);
    OutputStream out = exchange.getResponseBody();
    event(out, chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
    for (int i = 0; i < question.tokens(); i++) {
      pause(question.pause());
      event(out, chunk("{\"content\":\"" + question.token(call, i) + "\"}", "null"));
      if (i == 0) {
        at(Moment.FIRST_BYTE);
      }
    }
    event(out, chunk("{}", "\"stop\""));
    if (usage) {
      event(
          out,
          "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"crash\",\"choices\":[],\"usage\":"
              + USAGE_JSON
              + "}");
    }
    event(out, "[DONE]");
  }

  private void plain(HttpExchange exchange, Question question, int call)
      throws IOException, InterruptedException {
    pause(question.pause() * question.tokens());
    byte[] answer =
        ("{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"crash\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""
                + question.answer(call)
                + "\"},\"finish_reason\":\"stop\"}],\"usage\":"
                + USAGE_JSON
                + "}")
            .getBytes(UTF_8);
    exchange.getResponseHeaders().set("content-type", "application/json");
    exchange.sendResponseHeaders(200, answer.length);
    at(Moment.FIRST_BYTE);
    exchange.getResponseBody().write(answer);
  }

  private void pause(int millis) throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(millis);
    while (silent) {
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private static String chunk(String delta, String finish) {
    return "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"crash\",\"choices\":[{\"index\":0,\"delta\":"
        + delta
        + ",\"finish_reason\":"
        + finish
        + "}]}";
  }

  private static void event(OutputStream out, String data) throws IOException {
    out.write(("data: " + data + "\n\n").getBytes(UTF_8));
    out.flush();
  }

  @Override
  public void close() {
    silent = false;
    server.stop(0);
    threads.shutdownNow();
  }
}
