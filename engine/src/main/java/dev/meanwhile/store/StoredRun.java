package dev.meanwhile.store;

import org.jspecify.annotations.Nullable;

/// A run as it is kept.
///
/// @param id `run_…`
/// @param log the log it reads, as it stands now; when a run is accepted over a log that is stored
///   already, only the log's id counts
/// @param tenant whose it is
/// @param about what it is of, encoded
/// @param createdAt in milliseconds since 1970
/// @param cutAt when it was cancelled on its own, 0 if it was not
/// @param cutEnd the offset at which it then ended
/// @param cancelRequested whether its owner was asked to stop it
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record StoredRun(
    String id,
    StoredLog log,
    String tenant,
    byte[] about,
    long createdAt,
    long cutAt,
    int cutEnd,
    boolean cancelRequested) {
  /// Where the run stands: one of OpenAI's six words.
  public String status() {
    return cutAt > 0 ? "cancelled" : log.status();
  }

  /// When it ended, 0 while it has not.
  public long endedAt() {
    return cutAt > 0 ? cutAt : log.endedAt();
  }

  /// The same run over `now`.
  public StoredRun over(StoredLog now) {
    return new StoredRun(id, now, tenant, about, createdAt, cutAt, cutEnd, cancelRequested);
  }

  /// How its encoded log ended, or null.
  public byte @Nullable [] terminal() {
    return log.terminal();
  }
}
