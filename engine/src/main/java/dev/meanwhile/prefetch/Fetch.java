package dev.meanwhile.prefetch;

import java.time.Duration;

/// Makes answers that nobody has asked for yet.
public interface Fetch {
  /// Fetches the answer to `question`, unless there is one that will do; `told` is told once, at
  /// once or later, on the same loop.
  void fetch(Question question, Need need, Told told);

  /// Which answer will do.
  ///
  /// @param since one made since then, in milliseconds since 1970; or 0
  /// @param left one that is fresh for so long; zero or more
  record Need(long since, Duration left) {}

  /// Is told what became of it.
  interface Told {
    /// There was one that will do, or somebody is asking for it.
    void unneeded();

    /// @param tokens what it cost, or 0 if that is not known
    /// @param seconds what it took
    void made(long tokens, double seconds);

    /// There is no answer.
    void failed();
  }
}
