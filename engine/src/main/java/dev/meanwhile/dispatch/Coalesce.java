package dev.meanwhile.dispatch;

import dev.meanwhile.cache.Key;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// The one registry that loops share: logs in flight by their keys, so that a request which is the
/// same as one under way begins to read its log instead of making another call. `putIfAbsent`
/// decides who makes the call.
///
/// Two keys lead to a log. By the first, the raw request, an SDK's retry finds what it has asked
/// for before, also a little after its end. By the second, the canonical request, identical
/// requests find each other while the call is in flight. Thread-safe.
public final class Coalesce {
  private final ConcurrentHashMap<Key, Call> byRetryKey = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Key, Call> bySameKey = new ConcurrentHashMap<>();
  private final Duration retryWindow;

  /// @param retryWindow how long after its end an SDK's retry may still read a log
  public Coalesce(Duration retryWindow) {
    this.retryWindow = retryWindow;
  }

  /// How long after its end `caller` may still begin to read a log.
  Duration window(Submission caller) {
    return caller.retried() ? retryWindow : Duration.ZERO;
  }

  /// A log that `caller` may read, as far as can be told from another loop.
  @Nullable Call find(Submission caller) {
    Call found = null;
    if (caller.retried() && caller.retryKey() != null) {
      found = byRetryKey.get(caller.retryKey());
    }
    if ((found == null || !found.isOpenTo(retryWindow)) && caller.sameKey() != null) {
      found = bySameKey.get(caller.sameKey());
    }
    return found != null && found.serves(caller) && found.isOpenTo(window(caller)) ? found : null;
  }

  /// Makes `call` the one to find, unless there is one already that serves `caller`. One that does
  /// not, or is over, gives its place up: else all who come while it is there would make calls of
  /// their own.
  ///
  /// @return the one that is found from now on
  Call register(Call call, Submission caller) {
    Key same = call.sameKey();
    if (same != null) {
      Call winner = bySameKey.putIfAbsent(same, call);
      while (winner != null) {
        if (winner.serves(caller) && winner.isOpenTo(Duration.ZERO)) {
          return winner;
        }
        winner = bySameKey.replace(same, winner, call) ? null : bySameKey.putIfAbsent(same, call);
      }
    }
    if (call.retryKey() != null) {
      byRetryKey.put(call.retryKey(), call);
    }
    return call;
  }

  /// `call` is kept by the store, and only its caller's retries may find it.
  void promised(Call call) {
    if (call.retryKey() != null) {
      byRetryKey.put(call.retryKey(), call);
    }
  }

  /// The log of `call` is closing: only retries may still find it, and only if they get an answer.
  void closing(Call call, boolean answered) {
    if (call.sameKey() != null) {
      bySameKey.remove(call.sameKey(), call);
    }
    if (!answered) {
      forget(call);
    }
  }

  /// Nobody finds the log of `call` any more.
  void forget(Call call) {
    if (call.retryKey() != null) {
      byRetryKey.remove(call.retryKey(), call);
    }
  }
}
