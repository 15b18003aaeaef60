package dev.meanwhile.cache;

import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What one call may take from the cache, where its answer is left.
///
/// @param key what makes it the same as another
/// @param freshness how long its answer may be given again
/// @param tags by which it can be purged
/// @param reads whether a kept answer will do
/// @param only whether nothing but a kept answer will do
/// @param maxAge the oldest that will do, or null
/// @param minFresh how long it must still be fresh; zero or more
/// @param maxStale how stale it may be if its caller says so; zero or more
public record Caching(
    Key key,
    Freshness freshness,
    Set<String> tags,
    boolean reads,
    boolean only,
    @Nullable Duration maxAge,
    Duration minFresh,
    Duration maxStale) {
  public Caching {
    tags = Set.copyOf(tags);
  }

  /// Without anything that its caller said.
  public Caching(Key key, Freshness freshness, Set<String> tags) {
    this(key, freshness, tags, true, false, null, Duration.ZERO, Duration.ZERO);
  }
}
