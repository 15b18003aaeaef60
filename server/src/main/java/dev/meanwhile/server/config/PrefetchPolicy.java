package dev.meanwhile.server.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What of an operation is fetched before anyone asks.
///
/// @param over what it declares; null: nothing
/// @param at when that is fetched; null: whenever an answer nears its end
/// @param learns whether only what is likely to be read is fetched
/// @param minProbability how likely, 0 to 1
/// @param tokensPerHour what may be spent in any 60 minutes; null: any number
/// @param wasteMax which part of what it learned may go unread, 0 to 1
/// @param tenants for whom what is declared is fetched; null: for all that have a key
public record PrefetchPolicy(
    @Nullable Over over,
    @Nullable Cron at,
    boolean learns,
    double minProbability,
    @Nullable Long tokensPerHour,
    double wasteMax,
    @Nullable List<String> tenants) {}
