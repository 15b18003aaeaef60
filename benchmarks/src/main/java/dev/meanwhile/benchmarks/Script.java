package dev.meanwhile.benchmarks;

import java.time.Duration;

/// How the [Origin] answers.
sealed interface Script {
  /// A whole `chat.completion` of this many bytes (at least 300), after a delay.
  record Plain(int bytes, Duration delay) implements Script {}

  /// A stream of tokens, one per interval, the first after `lead` and a random part of the
  /// interval.
  record Stream(Duration lead, int tokens, Duration interval, Ending ending) implements Script {
    /// From the request to the last token, at most.
    Duration length() {
      return lead.plus(interval.multipliedBy(tokens));
    }
  }

  /// What follows the last token.
  enum Ending {
    /// The finish reason, and the end.
    ENDS,
    /// The same with the usage between, as for callers that ask for it.
    ENDS_WITH_USAGE,
    /// Silence; the stream stays open.
    HOLDS
  }

  /// What OpenAI's short answers measure, at once.
  static Plain shortAnswer() {
    return new Plain(600, Duration.ZERO);
  }
}
