package dev.meanwhile.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RateLimitTest {
  @Test
  void whoIsOverItIsToldWhenToComeBack() throws Exception {
    try (var client = new Client(SimulatorConfig.defaults().withRequestsPerMinute(1))) {
      var first = client.chat(Client.chat("sim-fast", ""));
      assertThat(first.statusCode()).isEqualTo(200);
      assertThat(first.headers().firstValue("x-ratelimit-remaining-requests")).hasValue("0");
      assertThat(first.headers().firstValue("x-ratelimit-limit-tokens")).isEmpty();
      var second = client.chat(Client.streamed("sim-fast"));
      assertThat(second.statusCode()).isEqualTo(429);
      assertThat(second.headers().firstValueAsLong("retry-after").orElseThrow()).isBetween(1L, 60L);
      assertThat(Client.json(second).at("/error/code").asString()).isEqualTo("rate_limit_exceeded");
    }
  }
}
