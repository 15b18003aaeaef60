package dev.meanwhile.simulator;

/// 64-bit hashes that are the same in every process.
final class Hash {
  private Hash() {}

  /// FNV-1a, mixed.
  static long of(byte[] bytes) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : bytes) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return mix(hash);
  }

  /// Spreads neighbouring numbers over all 64 bits (the finisher of SplitMix64).
  static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
