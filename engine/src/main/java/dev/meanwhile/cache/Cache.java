package dev.meanwhile.cache;

import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Closed logs in memory by what was asked, within a number of bytes. Thread-safe.
///
/// **Purges cannot race.** A purge gives its tag the next number. An answer is stamped with the
/// number there was when its log began, and is good only while none of its tags has a higher one:
/// so what was asked before a purge is never given after it, whenever it ends.
public final class Cache {
  /// What an entry takes beside its log, in bytes, about.
  private static final int OVERHEAD = 300;

  /// How many purges are known one by one; if there are more, all that was asked before the last is
  /// purged.
  private static final int MOST_PURGES = 100_000;

  private final ConcurrentMap<Key, KeptAnswer> answers;
  private final Map<Object, Long> purged = new ConcurrentHashMap<>();
  private final AtomicLong last = new AtomicLong();
  private final AtomicLong all = new AtomicLong();
  private final BooleanSupplier hears;

  /// @param maxBytes about how much memory its logs may take; least and longest unread go first
  /// @param hears whether purges are heard of: while not, nothing is given
  public Cache(long maxBytes, BooleanSupplier hears) {
    this.hears = hears;
    answers =
        Caffeine.newBuilder()
            .maximumWeight(maxBytes)
            .executor(Runnable::run)
            .weigher((Key _, KeptAnswer answer) -> OVERHEAD + answer.log().footprint())
            .<Key, KeptAnswer>build()
            .asMap();
  }

  /// The number that an answer is stamped with whose log begins now.
  public long stamp() {
    return last.get();
  }

  /// What may be given to a call now, or null.
  ///
  /// @param usage whether a stream without its closing usage will not do
  /// @param millis now, since 1970
  public @Nullable Hit find(Caching caching, boolean usage, long millis) {
    KeptAnswer answer = answers.get(caching.key());
    if (answer == null || !hears.getAsBoolean()) {
      return null;
    }
    if (!isCurrent(answer) || millis > answer.until()) {
      answers.remove(caching.key(), answer);
      return null;
    }
    return answer.hit(caching, usage, millis, false);
  }

  /// The same of an answer that was found elsewhere.
  public @Nullable Hit use(KeptAnswer answer, Caching caching, boolean usage, long millis) {
    return hears.getAsBoolean() && isCurrent(answer)
        ? answer.hit(caching, usage, millis, true)
        : null;
  }

  /// Whether there is one, of whatever use.
  public boolean has(Key key) {
    return answers.containsKey(key);
  }

  /// Keeps an answer, unless a newer one is there.
  ///
  /// @return false if it has been purged already
  public boolean put(KeptAnswer answer) {
    if (!isCurrent(answer)) {
      return false;
    }
    answers.merge(answer.key(), answer, KeptAnswer::newer);
    return true;
  }

  /// Forgets what this run made; takes as long as there are answers.
  public void forget(String run) {
    answers.values().removeIf(answer -> answer.run().equals(run));
  }

  /// Whether what was asked with this stamp has not been purged, as far as anybody can tell.
  public boolean isCurrent(Caching caching, long stamp) {
    return hears.getAsBoolean() && isCurrent(caching.key(), caching.tags(), stamp);
  }

  private boolean isCurrent(KeptAnswer answer) {
    return isCurrent(answer.key(), answer.tags(), answer.stamp());
  }

  private boolean isCurrent(Key key, Set<String> tags, long stamp) {
    if (purged.getOrDefault(key, 0L) > stamp) {
      return false;
    }
    for (String tag : tags) {
      if (purged.getOrDefault(tag, 0L) > stamp) {
        return false;
      }
    }
    // Last: what is forgotten above was written here before.
    return all.get() <= stamp;
  }

  /// What has this tag, or was asked before this moment and will have it, is not given any more.
  public void purge(String tag) {
    forbid(tag, last.incrementAndGet());
  }

  /// The same of one key.
  public void purge(Key key) {
    forbid(key, last.incrementAndGet());
  }

  /// A tag was purged, on whatever node, with this number.
  public void purged(String tag, long number) {
    forbid(tag, number);
  }

  /// The same of one key.
  public void purged(Key key, long number) {
    forbid(key, number);
  }

  /// The same of everything.
  public void purgedAll(long number) {
    all.accumulateAndGet(number, Math::max);
  }

  /// All purges up to this number were committed before: what is asked from now on is stamped with
  /// it.
  public void told(long number) {
    last.accumulateAndGet(number, Math::max);
  }

  /// One at a time, so that none is forgotten that another has just written.
  private synchronized void forbid(Object what, long number) {
    if (purged.size() >= MOST_PURGES) {
      purged.values().forEach(this::purgedAll);
      purged.clear();
    }
    purged.merge(what, number, Math::max);
  }
}
