package dev.meanwhile.benchmarks;

import java.time.Duration;
import java.util.stream.LongStream;

/// What a feeds run came to.
///
/// @param memory without readers, and with all of them
/// @param idleNanos processor time that was taken while nothing happened but signs of life
/// @param idle how long that was
/// @param done from the upstream's end to the followers' `done`, over all followers and rounds,
///   sorted
/// @param told the same to the feeds of the run's channel
/// @param lost how many were not told within ten seconds
/// @param others the part of the server's core, 0 to 1, that others took
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record FeedsResult(
    MemoryResult memory,
    long idleNanos,
    Duration idle,
    long[] done,
    long[] told,
    int lost,
    double others) {
  static double millis(long[] sorted, int percent) {
    return AttachResult.percentile(sorted, percent) / 1e6;
  }

  static long[] sorted(LongStream nanos) {
    return nanos.sorted().toArray();
  }
}
