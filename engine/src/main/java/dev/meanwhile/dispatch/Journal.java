package dev.meanwhile.dispatch;

import dev.meanwhile.log.Run;

/// Is told of every run, on its log's loop; must not block or throw.
public interface Journal {
  /// A run was accepted.
  void began(Run run);

  /// A run has ended: its log has, or it was cancelled.
  ///
  /// @param firstContent nanoseconds from its beginning to the first content, 0 where that was
  ///   there before, or -1 if none ever came
  /// @param total nanoseconds from its beginning to its end
  void ended(Run run, long firstContent, long total);
}
