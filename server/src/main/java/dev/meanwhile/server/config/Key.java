package dev.meanwhile.server.config;

import dev.meanwhile.budget.OnLeave;
import org.jspecify.annotations.Nullable;

/// A key that callers may use.
///
/// @param tenant whose key it is; several keys may belong to one tenant
/// @param sha256 the hash of the key; the key itself is nowhere
/// @param mayDetach whether a waiting caller may be answered 202 without asking for it
/// @param coalesce null: as the server does
/// @param onLeave null: as the server does
/// @param admin whether it may see and change what belongs to all tenants
public record Key(
    String tenant,
    Sha256 sha256,
    boolean mayDetach,
    @Nullable Coalesce coalesce,
    @Nullable OnLeave onLeave,
    boolean admin) {}
