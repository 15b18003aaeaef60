package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.auth.Secret;
import dev.meanwhile.server.config.Coalesce;
import dev.meanwhile.server.route.RequestKeys;
import dev.meanwhile.upstream.Request;
import io.vertx.core.MultiMap;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What the key of a chat request takes to compute, in this process: CPU time in nanoseconds.
///
/// @param bytes of the request's body, about
/// @param cold for a body that was not seen lately
/// @param repeated for one that was, in the same bytes
record KeyCost(int bytes, double cold, double repeated) {
  /// More than are remembered with their keys.
  private static final int BODIES = 2_000;

  private static final int ROUNDS = 15;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final Caller CALLER =
      new Caller("shop", "credential", false, false, Coalesce.SAFE, OnLeave.CANCEL, false);
  private static final Request REQUEST =
      new Request("default", "chat", "/chat/completions", List.of(), new byte[0], false);
  private static final MultiMap HEADERS = MultiMap.caseInsensitiveMultiMap();

  /// Measures until the cost has settled, for so long at most.
  static KeyCost measure(int bytes, Duration limit) {
    var keys = new RequestKeys(Secret.random());
    var bodies = new ArrayList<byte[]>();
    for (var i = 0; i < BODIES; i++) {
      bodies.add(body(i, bytes));
    }
    // One body, in arrays of which none is another.
    var same = bodies.stream().map(_ -> bodies.getFirst().clone()).toList();
    var end = System.nanoTime() + limit.toNanos();
    var settling = new Settling();
    while (!settling.settled(round(keys, bodies) + round(keys, same))
        && System.nanoTime() - end < 0) {}
    return new KeyCost(bodies.getFirst().length, median(keys, bodies), median(keys, same));
  }

  private static double median(RequestKeys keys, List<byte[]> bodies) {
    var costs = new double[ROUNDS];
    for (var i = 0; i < ROUNDS; i++) {
      costs[i] = round(keys, bodies);
    }
    Arrays.sort(costs);
    return costs[ROUNDS / 2];
  }

  /// Nanoseconds for each.
  private static double round(RequestKeys keys, List<byte[]> bodies) {
    var begin = THREADS.getCurrentThreadCpuTime();
    var folded = 0L;
    for (var body : bodies) {
      var key = keys.ofCache(CALLER, REQUEST, "answer", HEADERS, "gpt-4.1", null, null, body);
      folded ^= key == null ? 0 : key.a();
    }
    var nanos = THREADS.getCurrentThreadCpuTime() - begin;
    if (folded == 1) {
      // Never so, but the compiler does not know.
      throw new IllegalStateException("the keys are odd");
    }
    return (double) nanos / bodies.size();
  }

  /// A conversation, as chat applications send it: messages with quotes, line breaks and letters
  /// beyond ASCII.
  static byte[] body(int number, int bytes) {
    var body = new StringBuilder("{\"model\":\"gpt-4.1\",\"temperature\":0.2,\"messages\":[");
    body.append("{\"role\":\"system\",\"content\":\"You help the customers of shop ")
        .append(number)
        .append(".\"}");
    for (var i = 0; body.length() < bytes - 200; i++) {
      body.append(",{\"role\":\"")
          .append(i % 2 == 0 ? "user" : "assistant")
          .append("\",\"content\":\"Where is my order ")
          .append(i)
          .append("?\\n\\nIt was sent to Zürich, \\\"the old town\\\", on the 14th: ")
          .append("two pairs of boots, a tent for three, and a lamp. ".repeat(6))
          .append("\"}");
    }
    return body.append("]}").toString().getBytes(UTF_8);
  }
}
