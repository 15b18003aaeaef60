package dev.meanwhile.benchmarks;

import java.time.Duration;

/// What the feeds benchmark asks of Meanwhile.
///
/// @param feeds how many feeds are open, each of a channel of its own but for those of one
/// @param followers how many follow one run, and how many of the feeds are of one channel
/// @param idle how long nothing happens while the processor's time is taken
/// @param warmUpRounds ends of runs that are not measured
/// @param rounds ends of runs that are
record FeedsPlan(int feeds, int followers, Duration idle, int warmUpRounds, int rounds) {
  static FeedsPlan full() {
    return new FeedsPlan(9_000, 1_000, Duration.ofSeconds(45), 20, 50);
  }

  /// A short run that shows whether all works; its figures are rough.
  static FeedsPlan quick() {
    return new FeedsPlan(2_000, 300, Duration.ofSeconds(5), 3, 10);
  }
}
