package dev.meanwhile.server.auth;

import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.server.config.Coalesce;

/// Who makes a request, and what that allows.
///
/// @param tenant whose runs are made and seen
/// @param credential the hash that tells credentials apart, so that only the same one coalesces
/// @param passesThrough whether the caller's own credential goes upstream
/// @param mayDetach whether a waiting caller may be answered 202 without asking for it
/// @param coalesce which identical calls share a log
/// @param onLeave what to do when the caller leaves
/// @param admin whether what belongs to all tenants may be seen
public record Caller(
    String tenant,
    String credential,
    boolean passesThrough,
    boolean mayDetach,
    Coalesce coalesce,
    OnLeave onLeave,
    boolean admin) {}
