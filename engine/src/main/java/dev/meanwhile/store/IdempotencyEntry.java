package dev.meanwhile.store;

/// An `Idempotency-Key` and what it was first used for.
///
/// @param key a digest of credential, route and the key, 32 bytes
/// @param bodyHash the digest of the raw body, 32 bytes
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record IdempotencyEntry(byte[] key, byte[] bodyHash) {
  /// Who holds a key.
  ///
  /// @param run the id of the run
  /// @param bodyHash the digest of the body it was used with
  @SuppressWarnings("ArrayRecordComponent")
  public record Held(String run, byte[] bodyHash) {}
}
