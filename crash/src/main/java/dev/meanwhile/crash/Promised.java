package dev.meanwhile.crash;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// What the client knows of one call it made: all that it was told, as it was told it.
final class Promised {
  /// How a call was made.
  enum How {
    ASYNC,
    DETACHING,
    KEYED,
    KEYED_ASYNC
  }

  final Question question;
  final How how;

  /// The first answer that came to each way of asking, byte for byte.
  final Map<String, String> read = new ConcurrentHashMap<>();

  /// The run that was promised, once a 202 said so.
  volatile @Nullable String run;

  /// When the client first knew the end, in nanoseconds.
  volatile long knownEnd = Long.MAX_VALUE;

  /// It was said that nothing was promised, and nothing ever will come of it.
  volatile boolean refused;

  volatile boolean cancelled;
  volatile boolean eraseAsked;
  volatile boolean erased;

  Promised(Question question, How how) {
    this.question = question;
    this.how = how;
  }

  boolean keyed() {
    return how == How.KEYED || how == How.KEYED_ASYNC;
  }

  String marker() {
    return question.marker();
  }

  /// Notes what was read.
  ///
  /// @return what had been read before instead, or null
  @Nullable String reads(String way, String body) {
    String before = read.putIfAbsent(way, body);
    if (before == null) {
      knownEnd = Math.min(knownEnd, System.nanoTime());
    }
    return before == null || before.equals(body) ? null : before;
  }
}
