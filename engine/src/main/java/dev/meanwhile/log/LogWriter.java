package dev.meanwhile.log;

/// The face of a log that one attempt sees. Once a newer attempt has begun or the log is closed,
/// every method does nothing and says so with false: that check is the fence. Only the log's own
/// loop may call.
public interface LogWriter {
  /// The upstream's answer began.
  boolean head(Head head);

  /// Appends one event, which no reader sees before [#publish].
  ///
  /// @param nanos when it came, on the clock that the log was made with
  /// @return false if this attempt may no longer write, or the log would exceed its limit: then
  ///   nothing was appended
  boolean append(Kind kind, long nanos, byte[] bytes, int offset, int length);

  /// Shows readers all that was appended and wakes those who follow: once per read from the
  /// upstream, not per event.
  boolean publish();

  /// Appends the one terminal event, and publishes.
  ///
  /// @param millis when it came, in milliseconds since 1970
  boolean close(Terminal terminal, long millis);
}
