package dev.meanwhile.store;

import java.util.List;

/// An answer that is kept to be given again.
///
/// @param key what was asked: 32 bytes
/// @param run the id of the run that made it
/// @param stamp the number of the latest purge that was known when it was asked
/// @param made when it was made, in milliseconds since 1970, as all times here
/// @param until from when on it is of no use
/// @param tags by which it can be purged, beside its key
/// @param log what was answered, and for how long it may be given, encoded
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record StoredAnswer(
    byte[] key, String run, long stamp, long made, long until, List<String> tags, byte[] log) {
  public StoredAnswer {
    tags = List.copyOf(tags);
  }

  /// Whether it is kept rather than `other`, which has the same key: what was asked after more
  /// purges, then what was made later.
  public boolean replaces(StoredAnswer other) {
    return stamp != other.stamp ? stamp > other.stamp : made >= other.made;
  }
}
