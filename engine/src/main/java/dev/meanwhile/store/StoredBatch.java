package dev.meanwhile.store;

/// A batch as it is kept: many runs that were given at once and are told of once.
///
/// @param run the batch itself, a run whose log ends with the last of its lines; nothing is in it
/// @param total how many lines it has
/// @param completed how many have an answer, whole or cut short by the upstream's own rules
/// @param failed how many have failed
/// @param cancelled how many were stopped
public record StoredBatch(StoredRun run, int total, int completed, int failed, int cancelled) {
  /// How many lines have ended.
  public int ended() {
    return completed + failed + cancelled;
  }
}
