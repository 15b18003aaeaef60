package dev.meanwhile.dispatch;

import dev.meanwhile.store.StoredBatch;

/// How far a batch is.
///
/// @param run the batch itself
/// @param stopping whether it is to be stopped, or was
/// @param total how many lines it has
/// @param completed how many have an answer
/// @param failed how many have failed
/// @param cancelled how many were stopped
public record Progress(
    Listed run, boolean stopping, int total, int completed, int failed, int cancelled) {
  static Progress of(StoredBatch stored) {
    return new Progress(
        Listed.of(stored.run()),
        stored.run().cancelRequested(),
        stored.total(),
        stored.completed(),
        stored.failed(),
        stored.cancelled());
  }

  /// How many lines have ended.
  public int ended() {
    return completed + failed + cancelled;
  }
}
