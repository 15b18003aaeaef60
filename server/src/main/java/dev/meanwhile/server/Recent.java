package dev.meanwhile.server;

import java.util.LinkedHashMap;
import java.util.Map;

/// The values last asked for, by their keys: so many, the one not asked for longest goes first. Not
/// thread-safe.
public final class Recent<K, V> extends LinkedHashMap<K, V> {
  private static final long serialVersionUID = 1;
  private final int most;

  /// @param most how many, 1 or more
  public Recent(int most) {
    super(16, 0.75f, true);
    this.most = most;
  }

  @Override
  protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
    return size() > most;
  }
}
