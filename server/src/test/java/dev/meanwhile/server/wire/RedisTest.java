package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.header;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.RedisProcess;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Kept answers in a real Redis.
class RedisTest {
  private static final Pattern INPUT = Pattern.compile("input-[0-9]+");
  private static final String PATH = "/v1/operations/advice";

  @TempDir private Path directory;
  private RedisProcess redis;
  private int nodes;

  /// Says what it was asked, and the how manieth call this is.
  private final AtomicInteger calls = new AtomicInteger();

  private final RawUpstream upstream =
      RawUpstream.start(exchange -> {
        var input = INPUT.matcher(exchange.body());
        String said = input.find() ? input.group() : "nothing";
        exchange.json(200, Chat.answer(said + " at " + calls.incrementAndGet()));
      });

  @BeforeEach
  void start() throws Exception {
    redis = RedisProcess.start();
  }

  @AfterEach
  void stop() throws Exception {
    redis.close();
    upstream.close();
  }

  private Gateway node() {
    return Gateway.configured(
        directory.resolve("node" + nodes++),
        """
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        operations:
          advice:
            deliver: sync
            model: m-1
            prompt: '{{text}}'
            cache: {max-age: 1h, tags: [shelf]}
        """
            .formatted(upstream.url()),
        "--cache-redis=" + redis.address());
  }

  private static HttpResponse<String> ask(Gateway node, int input) throws Exception {
    var answer = node.post(PATH, "{\"text\":\"input-%d\"}".formatted(input));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.body()).contains("input-" + input + " at ");
    return answer;
  }

  @Test
  void answersOutliveTheServer() throws Exception {
    String first;
    try (var before = node()) {
      first = ask(before, 1).body();
      Eventually.until("it is kept", () -> redis.command("DBSIZE").compareTo(":3") >= 0);
    }
    nodes--;
    try (var after = node()) {
      var again = ask(after, 1);
      assertThat(again.body()).isEqualTo(first);
      assertThat(header(again, "cache-status")).contains("hit").endsWith("; detail=STORE");
      assertThat(after.post("/v1/cache/purge", "{\"tag\":\"shelf\"}").statusCode()).isEqualTo(200);
      assertThat(ask(after, 1).body()).isNotEqualTo(first);
    }
  }

  /// Slower, never wrong, and never an error.
  @Test
  void oneThatIsKilledUnderLoadIsNotNoticedByCallers() throws Exception {
    try (var node = node();
        var threads = Executors.newFixedThreadPool(8)) {
      var asked = new AtomicInteger();
      List<CompletableFuture<Void>> all = new ArrayList<>();
      for (int i = 0; i < 600; i++) {
        int input = i % 40;
        all.add(
            CompletableFuture.runAsync(
                () -> {
                  try {
                    ask(node, input);
                    asked.incrementAndGet();
                  } catch (Exception e) {
                    throw new IllegalStateException(e);
                  }
                },
                threads));
      }
      Eventually.until("there is load", () -> asked.get() > 100);
      redis.kill();
      int before = asked.get();
      Eventually.until("it goes on", () -> asked.get() > before + 100);
      var purge = node.post("/v1/cache/purge", "{\"tag\":\"shelf\"}");
      assertThat(purge.statusCode()).isEqualTo(503);
      FailuresTest.error(purge.body(), "store_unavailable");
      redis.again();
      for (var each : all) {
        each.get(60, TimeUnit.SECONDS);
      }
      // It is used again: what is purged now is given no more.
      Eventually.until(
          "it is there again",
          () -> node.post("/v1/cache/purge", "{\"tag\":\"shelf\"}").statusCode() == 200);
      int made = calls.get();
      ask(node, 1);
      assertThat(calls.get()).isEqualTo(made + 1);
    }
  }
}
