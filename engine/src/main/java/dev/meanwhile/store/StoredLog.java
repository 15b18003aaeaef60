package dev.meanwhile.store;

import org.jspecify.annotations.Nullable;

/// A log as it is kept, without its events.
///
/// @param id `log_…`
/// @param tenant whose work it is: background work is fair between tenants
/// @param upstream the name of the configured upstream that is called
/// @param priority who goes first, 0 being the highest
/// @param createdAt in milliseconds since 1970, as all times here
/// @param notBefore when the next attempt may begin
/// @param attempt the number of the current attempt, 0 before the first
/// @param lost how many attempts were lost to crashes
/// @param status one of OpenAI's six words
/// @param endedAt 0 while it has not ended
/// @param end the offset after the last event that is stored
/// @param request what to send, encoded
/// @param head how the answer began, encoded, or null
/// @param terminal the terminal event, encoded, or null
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record StoredLog(
    String id,
    String tenant,
    String upstream,
    int priority,
    long createdAt,
    long notBefore,
    int attempt,
    int lost,
    String status,
    long endedAt,
    int end,
    byte[] request,
    byte @Nullable [] head,
    byte @Nullable [] terminal) {}
