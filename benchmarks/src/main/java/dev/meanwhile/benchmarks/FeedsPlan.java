package dev.meanwhile.benchmarks;

import java.time.Duration;

/// What the feeds benchmark asks of Meanwhile.
///
/// @param feeds how many feeds are open, each of a channel of its own but for those of one
/// @param runs how many runs are under way and followed by one reader each
/// @param followers how many follow one more run, and how many of the feeds are of one channel
/// @param idle how long nothing happens while the processor's time is taken
/// @param warmUpRounds ends of runs that are not measured
/// @param rounds ends of runs that are
record FeedsPlan(int feeds, int runs, int followers, Duration idle, int warmUpRounds, int rounds) {
  static FeedsPlan full() {
    return new FeedsPlan(8_000, 1_000, 1_000, Duration.ofSeconds(45), 40, 50);
  }

  /// A short run that shows whether all works; its figures are rough.
  static FeedsPlan quick() {
    return new FeedsPlan(1_700, 300, 300, Duration.ofSeconds(5), 3, 10);
  }

  /// Everybody who reads.
  int readers() {
    return feeds + runs + followers;
  }
}
