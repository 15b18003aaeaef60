package dev.meanwhile.benchmarks;

import java.util.List;

/// What was measured on one database.
///
/// @param database as it is called in reports
/// @param accepted by Meanwhile from callers that each wait for their answer
/// @param refused of these
/// @param paced at half of that
/// @param peers the same number of callers at each peer
/// @param disk what finished runs take
record AsyncResult(
    String database, Rate accepted, long refused, Paced paced, List<Rate> peers, Disk disk) {
  AsyncResult {
    peers = List.copyOf(peers);
  }

  /// Kept in each second, the CPU time of each in callers, library or server, and database, and the
  /// part of all cores that others took meanwhile.
  record Rate(String title, double perSecond, double cpuMicros, double others) {}

  /// Times in nanoseconds.
  record Paced(
      double perSecond, long count, long failures, long p50, long p99, long max, double others) {}

  /// `seconds` from the first call to the last answer of the upstream.
  record Disk(int runs, long bytes, double seconds) {
    double per100000() {
      return bytes * 100_000.0 / runs;
    }
  }

  double fastestPeer() {
    return peers.stream().mapToDouble(Rate::perSecond).max().orElse(Double.NaN);
  }

  double others() {
    return Math.max(
        Math.max(accepted.others(), paced.others()),
        peers.stream().mapToDouble(Rate::others).max().orElse(0));
  }
}
