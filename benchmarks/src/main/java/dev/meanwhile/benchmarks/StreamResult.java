package dev.meanwhile.benchmarks;

/// What became of many streams. The counts are of the whole streams; the window is the time in
/// which all should be open.
///
/// @param streams how many were asked for
/// @param openedAtOnce how many were open when the window began
/// @param ended how many ended properly within the time limit
/// @param broken how many were refused or broken off
/// @param expected tokens that the callers should have received
/// @param received tokens that they received
/// @param outOfOrder tokens whose number was not the next
/// @param window the part that is timed
record StreamResult(
    int streams,
    int openedAtOnce,
    int ended,
    int broken,
    long expected,
    long received,
    long outOfOrder,
    Window window) {

  /// Tokens received in the window, its length in nanoseconds, the CPU time, and the delays of
  /// these tokens and of those that came later.
  record Window(long tokens, long nanos, Usage usage, Delays delays) {
    /// The cost and number of both; the delays of the other are left out.
    Window plus(Window other) {
      return new Window(
          tokens + other.tokens, nanos + other.nanos, usage.plus(other.usage), delays);
    }

    /// NaN if no token came, so that nothing seems to cost nothing beside it.
    double cpuMicrosPerToken() {
      return tokens == 0 ? Double.NaN : usage.server() / 1e3 / tokens;
    }

    double tokensPerSecond() {
      return tokens * 1e9 / nanos;
    }

    /// The part of its core that the server used, 0 to 1.
    double utilisation() {
      return (double) usage.server() / nanos;
    }

    /// The part of its core that others took, 0 to 1.
    double disturbance() {
      return (double) usage.others() / nanos;
    }
  }

  /// In nanoseconds.
  record Delays(long median, long p99, long max) {}

  long lost() {
    return expected - received;
  }

  /// Streams that were neither ended nor broken at the time limit.
  int unfinished() {
    return streams - ended - broken;
  }

  /// Whether the server could not keep up: not all streams were open in the window, or its core was
  /// full.
  boolean saturated() {
    return openedAtOnce < streams * 0.99 || window.utilisation() > 0.95;
  }
}
