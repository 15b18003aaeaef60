package dev.meanwhile.dispatch;

import dev.meanwhile.log.Run;
import dev.meanwhile.store.StoredRun;

/// A kept run in a list, without its events; times are milliseconds since 1970.
///
/// @param status one of OpenAI's six words
/// @param endedAt 0 while it has not ended
public record Listed(
    String id, Run.About about, String status, long createdAt, long endedAt, int attempt, int end) {
  static Listed of(StoredRun stored) {
    return new Listed(
        stored.id(),
        Encoding.about(stored.about()),
        stored.status(),
        stored.createdAt(),
        stored.endedAt(),
        stored.log().attempt(),
        stored.log().end());
  }
}
