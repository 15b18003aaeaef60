package dev.meanwhile.cache;

import com.github.benmanes.caffeine.cache.Caffeine;
import dev.meanwhile.log.RunLog;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Closed logs by what was asked, within a number of bytes. Thread-safe.
///
/// **Purges cannot race.** A purge gives its tag the next number. An answer is stamped with the
/// number there was when its log began, and is good only while none of its tags has a higher one:
/// so what was asked before a purge is never given after it, whenever it ends.
public final class Cache {
  /// What an entry takes beside its log, in bytes, about.
  private static final int OVERHEAD = 300;

  private final ConcurrentMap<Key, Entry> entries;
  private final Map<Object, Long> purged = new ConcurrentHashMap<>();
  private final AtomicLong purges = new AtomicLong();

  /// @param made when, in milliseconds since 1970
  /// @param lifetime how long it is fresh, in milliseconds
  private record Entry(
      Key key,
      RunLog log,
      String run,
      boolean whole,
      long made,
      long lifetime,
      Freshness freshness,
      boolean refusal,
      long stamp,
      Set<String> tags) {
    /// How long after its lifetime it is of any use, in milliseconds.
    long useful() {
      return refusal
          ? 0
          : Math.max(
              freshness.staleWhileRevalidate().toMillis(), freshness.staleIfError().toMillis());
    }

    Hit.@Nullable Use use(Caching caching, long age, long ttl) {
      if (!caching.reads() || caching.maxAge() != null && age > caching.maxAge().toMillis()) {
        return null;
      }
      long fresh = caching.minFresh().toMillis();
      if (ttl > 0 && ttl >= fresh || fresh == 0 && -ttl < caching.maxStale().toMillis()) {
        return Hit.Use.FRESH;
      }
      if (fresh == 0 && -ttl < freshness.staleWhileRevalidate().toMillis() && !refusal) {
        return Hit.Use.REVALIDATE;
      }
      return -ttl < freshness.staleIfError().toMillis() && !refusal ? Hit.Use.SPARE : null;
    }
  }

  /// @param maxBytes about how much memory its logs may take; least and longest unread go first
  public Cache(long maxBytes) {
    entries =
        Caffeine.newBuilder()
            .maximumWeight(maxBytes)
            .executor(Runnable::run)
            .weigher((Key _, Entry entry) -> OVERHEAD + entry.log.footprint())
            .<Key, Entry>build()
            .asMap();
  }

  /// The number that an answer is stamped with whose log begins now.
  public long stamp() {
    return purges.get();
  }

  /// What may be given to a call now, or null.
  ///
  /// @param usage whether a stream without its closing usage will not do
  /// @param millis now, since 1970
  public @Nullable Hit find(Caching caching, boolean usage, long millis) {
    Entry entry = entries.get(caching.key());
    if (entry == null || usage && !entry.whole) {
      return null;
    }
    long age = Math.max(0, millis - entry.made);
    long ttl = entry.lifetime - age;
    if (!isCurrent(entry.key, entry.tags, entry.stamp) || -ttl > entry.useful()) {
      entries.remove(caching.key(), entry);
      return null;
    }
    Hit.Use use = entry.use(caching, age, ttl);
    return use == null ? null : new Hit(entry.log, entry.run, age, ttl, use);
  }

  /// Keeps an answer.
  ///
  /// @param run the id of the run that made it
  /// @param whole whether it has all that any caller may want: no stream without its closing usage
  /// @param refusal whether it is the upstream's refusal of the request itself
  /// @param stamp the number there was when its log began
  /// @param dice 0 to below 1
  public void put(
      Caching caching,
      RunLog log,
      String run,
      boolean whole,
      boolean refusal,
      long stamp,
      long millis,
      double dice) {
    Freshness freshness = caching.freshness();
    long lifetime = Freshness.lifetime(refusal ? freshness.errors() : freshness.maxAge(), dice);
    if (lifetime > 0 && isCurrent(caching, stamp)) {
      var entry =
          new Entry(
              caching.key(),
              log,
              run,
              whole,
              millis,
              lifetime,
              freshness,
              refusal,
              stamp,
              caching.tags());
      entries.put(caching.key(), entry);
    }
  }

  /// Whether nothing has been purged that was asked with this stamp.
  public boolean isCurrent(Caching caching, long stamp) {
    return isCurrent(caching.key(), caching.tags(), stamp);
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
    return true;
  }

  /// What has this tag, or was asked before this moment and will have it, is not given any more.
  public void purge(String tag) {
    forbid(tag);
  }

  /// The same of one key.
  public void purge(Key key) {
    forbid(key);
  }

  private void forbid(Object what) {
    purged.merge(what, purges.incrementAndGet(), Math::max);
  }
}
