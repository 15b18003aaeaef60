package dev.meanwhile.log;

import java.util.Locale;

/// OpenAI's six words for where a run is.
public enum Status {
  QUEUED,
  IN_PROGRESS,
  COMPLETED,
  INCOMPLETE,
  FAILED,
  CANCELLED;

  /// Whether a log with this status is closed for ever.
  public boolean isFinal() {
    return this != QUEUED && this != IN_PROGRESS;
  }

  /// The word on the wire: `in_progress`.
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
