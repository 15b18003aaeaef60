package dev.meanwhile.server.config;

import dev.meanwhile.cache.Freshness;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// How the answers of an operation are given again.
///
/// @param key the variables that make two calls the same; null: all that is asked
/// @param tags by which answers can be purged, beside the operation's name
/// @param share who is given them
public record CachePolicy(
    Freshness freshness, @Nullable List<String> key, List<String> tags, Share share) {
  /// Who is given an answer again.
  public enum Share {
    /// Everybody of the tenant.
    TENANT,
    /// Only the same `user` (or `safety_identifier`) of the tenant.
    USER
  }
}
