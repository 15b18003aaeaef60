package dev.meanwhile.server.config;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/// An AI API that calls are sent to.
///
/// @param name the prefix of model names that choose it: `name/model`
/// @param baseUrl http or https, with its path (`/v1`), without a slash at its end
/// @param apiKey sent as the credential; null: the caller's own goes up where no keys are
///   configured, else none
/// @param api the dialect it speaks
/// @param maxConnections how many connections to it may be open, at least 1
/// @param maxQueue how many calls may wait for a connection, at least 0
/// @param maxBackground how many calls of background work may be under way, at least 1
/// @param maxQueued how many background runs may wait for their turn, at least 1
public record UpstreamConfig(
    String name,
    URI baseUrl,
    @Nullable Secret apiKey,
    Api api,
    int maxConnections,
    int maxQueue,
    int maxBackground,
    int maxQueued) {}
