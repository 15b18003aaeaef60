package dev.meanwhile.server.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// All that can be configured, validated. Immutable; made by [ConfigReader].
///
/// @param server the server itself
/// @param keys the keys callers may use; empty means that callers' own credentials go upstream
/// @param upstreams the upstreams by name, never empty, in the order they were written; the first
///   takes every call that names no other
/// @param operations by name, in the order they were written
/// @param mail null: no mails are sent
public record Config(
    Server server,
    List<Key> keys,
    Map<String, UpstreamConfig> upstreams,
    Map<String, Operation> operations,
    @Nullable MailConfig mail) {
  public Config {
    keys = List.copyOf(keys);
    // Not Map.copyOf, which forgets the order.
    upstreams = Collections.unmodifiableMap(new LinkedHashMap<>(upstreams));
    operations = Collections.unmodifiableMap(new LinkedHashMap<>(operations));
  }

  /// The upstream that takes every call that names no other.
  public UpstreamConfig firstUpstream() {
    return upstreams.values().iterator().next();
  }
}
