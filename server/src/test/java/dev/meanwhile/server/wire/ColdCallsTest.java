package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Very many callers at once of what nobody has asked before.
class ColdCallsTest {
  private static final int SAME = 1_000;
  private static final int DISTINCT = 2_000;

  private final RawUpstream upstream = RawUpstream.start();
  private final List<Wire> callers = new ArrayList<>();
  private final Gateway gateway =
      Gateway.configured(
          """
          upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
          operations:
            recommendation:
              deliver: sync
              model: m-1
              prompt: 'For {{segment}}: {{category}}'
              cache: {key: [segment, category], max-age: 1h}
          """
              .formatted(upstream.url()),
          // So many connections at once take their time on a small machine.
          "--connect-timeout=60s");

  @AfterEach
  void close() throws Exception {
    for (Wire caller : callers) {
      caller.close();
    }
    gateway.close();
    upstream.close();
  }

  private void call(int category) throws IOException {
    String input = "{\"segment\":\"vip\",\"category\":" + category + "}";
    callers.add(gateway.wire().post("/v1/operations/recommendation", input));
  }

  private void assertAnswered() throws Exception {
    for (Wire caller : callers) {
      assertThat(caller.status()).isEqualTo(200);
      assertThat(caller.rest()).isEqualTo(Chat.answer("boots"));
    }
  }

  @Test
  void theSameKeyIsOneUpstreamCall() throws Exception {
    for (int i = 0; i < SAME; i++) {
      call(1);
    }
    // All of them are here, and none has been answered.
    Eventually.until(
        "all wait",
        () -> gateway.get("/metrics").body().contains("meanwhile_runs_open " + SAME + ".0\n"));
    upstream.take().json(200, Chat.answer("boots"));
    assertAnswered();
    assertThat(upstream.calls()).isEqualTo(1);
  }

  /// None waits for another's call: all are open at the upstream before any is answered.
  @Test
  void distinctKeysDoNotQueue() throws Exception {
    for (int i = 0; i < DISTINCT; i++) {
      call(i);
    }
    while (upstream.calls() < DISTINCT) {
      int seen = upstream.calls();
      Eventually.until("one more is called after " + seen, () -> upstream.calls() > seen);
    }
    for (int i = 0; i < DISTINCT; i++) {
      upstream.take().json(200, Chat.answer("boots"));
    }
    assertAnswered();
    assertThat(upstream.calls()).isEqualTo(DISTINCT);
  }
}
