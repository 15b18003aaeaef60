package dev.meanwhile.simulator;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// How a simulator is started. Immutable; begin with [#defaults] and change what differs.
///
/// @param host the address to bind
/// @param port the TCP port, 0 for any free one
/// @param seed what every drawn number comes from; the same seed and the same calls in the same
///   order draw the same
/// @param replay a recording that answers chat calls: a `.json` file plain ones, any other file
///   (one payload a line) streamed ones; null for none
/// @param requestsPerMinute the rate limit in calls, 0 for none
/// @param tokensPerMinute the rate limit in prompt and answer tokens, 0 for none
/// @param loops how many event loops serve, at least 1
/// @param maxBody the longest request body accepted, in bytes
public record SimulatorConfig(
    String host,
    int port,
    long seed,
    @Nullable Path replay,
    int requestsPerMinute,
    int tokensPerMinute,
    int loops,
    int maxBody) {

  /// @throws IllegalArgumentException if a number is out of its range
  public SimulatorConfig {
    require(port >= 0 && port <= 65_535, "port", port, "0 to 65535");
    require(
        requestsPerMinute >= 0, "requests per minute", requestsPerMinute, "0 (no limit) or more");
    require(tokensPerMinute >= 0, "tokens per minute", tokensPerMinute, "0 (no limit) or more");
    require(loops >= 1, "loops", loops, "1 or more");
    require(maxBody >= 1, "max body", maxBody, "1 byte or more");
  }

  /// Loopback, any free port, seed 0, no replay, no rate limits, one loop, bodies up to 32 MB.
  public static SimulatorConfig defaults() {
    return new SimulatorConfig("127.0.0.1", 0, 0, null, 0, 0, 1, 32 << 20);
  }

  public SimulatorConfig withHost(String host) {
    return new SimulatorConfig(
        host, port, seed, replay, requestsPerMinute, tokensPerMinute, loops, maxBody);
  }

  public SimulatorConfig withPort(int port) {
    return new SimulatorConfig(
        host, port, seed, replay, requestsPerMinute, tokensPerMinute, loops, maxBody);
  }

  public SimulatorConfig withSeed(long seed) {
    return new SimulatorConfig(
        host, port, seed, replay, requestsPerMinute, tokensPerMinute, loops, maxBody);
  }

  public SimulatorConfig withReplay(@Nullable Path replay) {
    return new SimulatorConfig(
        host, port, seed, replay, requestsPerMinute, tokensPerMinute, loops, maxBody);
  }

  public SimulatorConfig withRequestsPerMinute(int requestsPerMinute) {
    return new SimulatorConfig(
        host, port, seed, replay, requestsPerMinute, tokensPerMinute, loops, maxBody);
  }

  public SimulatorConfig withTokensPerMinute(int tokensPerMinute) {
    return new SimulatorConfig(
        host, port, seed, replay, requestsPerMinute, tokensPerMinute, loops, maxBody);
  }

  public SimulatorConfig withLoops(int loops) {
    return new SimulatorConfig(
        host, port, seed, replay, requestsPerMinute, tokensPerMinute, loops, maxBody);
  }

  public SimulatorConfig withMaxBody(int maxBody) {
    return new SimulatorConfig(
        host, port, seed, replay, requestsPerMinute, tokensPerMinute, loops, maxBody);
  }

  private static void require(boolean holds, String what, int is, String range) {
    if (!holds) {
      throw new IllegalArgumentException(what + " is " + is + "; it must be " + range);
    }
  }
}
