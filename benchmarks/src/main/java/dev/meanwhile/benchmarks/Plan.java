package dev.meanwhile.benchmarks;

import java.time.Duration;

/// The loads of a run, the same for every peer. The ramps are slow so that also the slowest peer
/// can have all streams open when they are timed.
///
/// @param plainConnections connections that send plain calls in a closed loop
/// @param plainWarmUp how long they do so at most until the cost of a call has settled
/// @param plainTime how long they do so while the CPU time is taken
/// @param warmUp streams that are repeated until the cost of a token has settled
/// @param streamsWarmUp after which time they are not begun again
/// @param some the load for the CPU time per token
/// @param many the load for the delays
/// @param idleWarmUp streams before the memory of an idle server is read
/// @param idle streams that are open and silent, for the memory
/// @param readers delivered streams in the measurement of many readers per log
/// @param shortLog streams of the usual length
/// @param longLog streams ten times as long
/// @param shortLogRounds how often the short ones are repeated
record Plan(
    int plainConnections,
    Duration plainWarmUp,
    Duration plainTime,
    Streams warmUp,
    Duration streamsWarmUp,
    Streams some,
    Streams many,
    Streams idleWarmUp,
    Streams idle,
    Streams readers,
    Streams shortLog,
    Streams longLog,
    int shortLogRounds) {

  /// Readers of one log in the measurement of many readers.
  static final int READERS_PER_LOG = 10;

  /// Streams opened evenly over a ramp, and what each of them is.
  record Streams(int count, Duration ramp, Script.Stream script) {
    /// Tokens that the origin sends to all streams.
    long tokens() {
      return (long) count * script.tokens();
    }
  }

  /// How long the cost of a plain call is looked at before it is compared with the cost before.
  static final Duration WINDOW = Duration.ofSeconds(3);

  /// Everything: about eleven minutes for all peers.
  static Plan full() {
    return new Plan(
        64,
        Duration.ofSeconds(60),
        Duration.ofSeconds(8),
        streams(500, 500, 30, 100),
        Duration.ofSeconds(25),
        streams(1_000, 4_000, 140, 100),
        streams(5_000, 8_000, 48, 500),
        streams(500, 500, 20, 100),
        held(5_000),
        streams(1_000, 500, 110, 100),
        streams(250, 100, 100, 25),
        streams(250, 100, 1_000, 25),
        8);
  }

  /// A short run that shows whether all works; its figures are rough.
  static Plan quick() {
    return new Plan(
        64,
        Duration.ofSeconds(30),
        Duration.ofSeconds(2),
        streams(500, 500, 25, 100),
        Duration.ofSeconds(9),
        streams(1_000, 3_000, 50, 100),
        streams(5_000, 5_000, 16, 500),
        streams(500, 500, 10, 100),
        held(2_000),
        streams(1_000, 500, 30, 100),
        streams(250, 100, 100, 25),
        streams(250, 100, 300, 25),
        2);
  }

  private static Streams streams(int count, long rampMillis, int tokens, long intervalMillis) {
    return new Streams(
        count,
        Duration.ofMillis(rampMillis),
        new Script.Stream(
            Duration.ZERO, tokens, Duration.ofMillis(intervalMillis), Script.Ending.ENDS));
  }

  private static Streams held(int count) {
    return new Streams(
        count,
        Duration.ofMillis(count),
        new Script.Stream(Duration.ZERO, 3, Duration.ofMillis(100), Script.Ending.HOLDS));
  }
}
