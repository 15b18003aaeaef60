package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.log.Run.About;
import dev.meanwhile.upstream.Request;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// One call as a caller made it, before it is a run.
///
/// @param about what the run will be of
/// @param request what to send if a call must be made
/// @param usage whether the caller asked a stream for its closing usage chunk
/// @param clocks the limits of the attempt, if one must be made
/// @param onLeave what to do when the caller leaves
/// @param grace how long the caller may come back after leaving; zero or more
/// @param retryKey what an SDK's retry of this very request would have in common with it, or null
/// @param retried whether this is such a retry: it attaches to what it finds by that key
/// @param sameKey what all identical requests have in common, or null if this one does not coalesce
public record Submission(
    About about,
    Request request,
    boolean usage,
    Clocks clocks,
    OnLeave onLeave,
    Duration grace,
    @Nullable Key retryKey,
    boolean retried,
    @Nullable Key sameKey) {}
