package dev.meanwhile.log;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// The face of a log that views see. A reader is nothing but an offset; reading takes nothing away.
///
/// Every method may be called from any thread. What [#end()] covers never changes again, except
/// that a run which was cancelled ends where it was cut.
public interface LogReader {
  /// The log that is read.
  RunLog log();

  /// The offset after the last event, in events; 0 for an empty log.
  default int end() {
    return log().end();
  }

  /// How the log ended, or null while it is open. Once this is not null, [#end()] is final.
  default @Nullable Terminal terminal() {
    return log().terminal();
  }

  /// How the upstream's answer began, or null until it has.
  default @Nullable Head head() {
    return log().head();
  }

  /// The number of the attempt that writes, from 1; 0 before the first.
  default int attempt() {
    return log().attempt();
  }

  /// Where the answer begins: after the last [Kind#RESTARTED], or 0.
  default int start() {
    return log().start();
  }

  /// What the event at `offset` (0 to [#end()] - 1) says.
  default Kind kind(int offset) {
    return log().kind(offset);
  }

  /// When the event at `offset` came: µs since the log began, to 4 µs, at most 71 minutes.
  default long micros(int offset) {
    return log().micros(offset);
  }

  /// How many bytes the events from `from` (inclusive) to `to` (exclusive) have.
  default int size(int from, int to) {
    return log().size(from, to);
  }

  /// Hands over the bytes of the events from `from` (inclusive) to `to` (exclusive), in order, in
  /// pieces that are parts of the log itself: they must not be changed.
  default void read(int from, int to, Piece piece) {
    log().read(from, to, piece);
  }

  /// From now on calls `follower` after every change, on the log's own loop; once at once.
  default void follow(Follower follower) {
    log().follow(follower);
  }

  /// Ends what [#follow] began. A call that is under way may still come.
  default void unfollow(Follower follower) {
    log().unfollow(follower);
  }

  /// The bytes of some events, as a copy.
  default byte[] bytes(int from, int to) {
    var copy = ByteBuffer.allocate(size(from, to));
    read(from, to, copy::put);
    return copy.array();
  }

  /// Where the log stands.
  default Status status() {
    Terminal terminal = terminal();
    Status open = attempt() == 0 ? Status.QUEUED : Status.IN_PROGRESS;
    return terminal == null ? open : terminal.status();
  }

  /// Is told that there is something new to read. Must not block or throw.
  interface Follower {
    void wake();
  }

  /// Takes some bytes.
  interface Piece {
    void accept(byte[] bytes, int offset, int length);
  }
}
