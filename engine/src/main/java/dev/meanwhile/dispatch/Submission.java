package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.Key;
import dev.meanwhile.log.Run.About;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Told;
import dev.meanwhile.upstream.Request;
import java.time.Duration;
import java.util.Objects;
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
/// @param borrowed whether it goes up with its caller's own credential, which is never stored
/// @param caching what it may take from the cache and leave there, or null
/// @param supersedes what this call and the older one have in common whose place it takes, or null
///   if it takes nobody's
/// @param expires whether its run is stopped when the budget of `about` has passed
/// @param promise what must be kept before the call is accepted, or null if memory is enough
public record Submission(
    About about,
    Request request,
    boolean usage,
    Clocks clocks,
    OnLeave onLeave,
    Duration grace,
    @Nullable Key retryKey,
    boolean retried,
    @Nullable Key sameKey,
    boolean borrowed,
    @Nullable Caching caching,
    @Nullable Key supersedes,
    boolean expires,
    @Nullable Promise promise) {
  /// The same, without a cache.
  public Submission(
      About about,
      Request request,
      boolean usage,
      Clocks clocks,
      OnLeave onLeave,
      Duration grace,
      @Nullable Key retryKey,
      boolean retried,
      @Nullable Key sameKey,
      boolean borrowed,
      @Nullable Promise promise) {
    this(
        about, request, usage, clocks, onLeave, grace, retryKey, retried, sameKey, borrowed, null,
        null, false, promise);
  }

  /// Whether a stream without its closing usage is not all that it asks for.
  boolean wantsUsage() {
    return !about.streamed() || usage;
  }

  /// The same call, made for the cache alone.
  Submission forCache() {
    return new Submission(
        about,
        request,
        usage,
        clocks,
        OnLeave.FINISH,
        grace,
        null,
        false,
        sameKey,
        borrowed,
        caching,
        null,
        false,
        null);
  }

  /// When a run that is accepted at `now` is stopped, in milliseconds since 1970 as that; 0: never.
  long expiry(long now) {
    return expires ? now + about.budget() : 0;
  }

  /// The same call, for which only some kept answers will do.
  ///
  /// @param age how old one may be, or null
  /// @param left how long one must still be fresh; zero or more
  public Submission needing(@Nullable Duration age, Duration left) {
    Caching its = Objects.requireNonNull(caching, "what it is kept by");
    return new Submission(
        about,
        request,
        usage,
        clocks,
        onLeave,
        grace,
        retryKey,
        retried,
        sameKey,
        borrowed,
        new Caching(its.key(), its.freshness(), its.tags(), true, false, age, left, Duration.ZERO),
        supersedes,
        expires,
        promise);
  }

  /// Whether there must be a run of its own.
  boolean isNamed() {
    return promise != null
        && (promise.key() != null || promise.told().any() || promise.label() != null);
  }

  /// What the store is to promise.
  ///
  /// @param background whether nobody waits: it then goes through the queue, and is retried
  /// @param priority who goes first in the queue, 0 being the highest
  /// @param deadline until when background work is tried again, in milliseconds since 1970
  /// @param key the `Idempotency-Key`, or null
  /// @param told who is told of the end in any case
  /// @param label in which channel it is told of, or null
  public record Promise(
      boolean background,
      int priority,
      long deadline,
      @Nullable IdempotencyEntry key,
      Told told,
      @Nullable Label label) {
    public Promise(
        boolean background, int priority, long deadline, @Nullable IdempotencyEntry key) {
      this(background, priority, deadline, key, Told.NOBODY, null);
    }
  }
}
