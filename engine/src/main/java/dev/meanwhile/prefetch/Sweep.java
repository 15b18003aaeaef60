package dev.meanwhile.prefetch;

import org.jspecify.annotations.Nullable;

/// How far an operation is with fetching all that it declares.
///
/// @param beganAt when, in milliseconds since 1970
/// @param endedAt the same; 0 while it goes on
/// @param total how many questions there are, and of them: `kept`, where there was an answer that
///   will do; `made`; `failed`; and the rest, which are still to come
/// @param trouble why it has not begun, or null
public record Sweep(
    long beganAt,
    long endedAt,
    int total,
    int kept,
    int made,
    int failed,
    @Nullable String trouble) {}
