package dev.meanwhile.cache;

import dev.meanwhile.log.RunLog;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// An answer that is kept to be given again.
///
/// @param log what was answered: closed, or in the same moment
/// @param run the id of the run that made it
/// @param whole whether it has all that any caller may want: no stream without its closing usage
/// @param refusal whether it is the upstream's refusal of the request itself
/// @param stamp the highest number of a purge there was when it was asked
/// @param made when, in milliseconds since 1970
/// @param lifetime how long it is fresh, in milliseconds
/// @param tags by which it can be purged, beside its key
public record KeptAnswer(
    Key key,
    RunLog log,
    String run,
    boolean whole,
    boolean refusal,
    long stamp,
    long made,
    long lifetime,
    Freshness freshness,
    Set<String> tags) {
  public KeptAnswer {
    tags = Set.copyOf(tags);
  }

  /// From when on it is of no use, in milliseconds since 1970.
  public long until() {
    return made + lifetime + useful();
  }

  /// How long after its lifetime it is of any use, in milliseconds.
  private long useful() {
    return refusal
        ? 0
        : Math.max(
            freshness.staleWhileRevalidate().toMillis(), freshness.staleIfError().toMillis());
  }

  /// Of two with the same key, the one to keep.
  KeptAnswer newer(KeptAnswer other) {
    boolean isOlder = stamp != other.stamp ? stamp < other.stamp : made <= other.made;
    return isOlder ? other : this;
  }

  /// What may be given to a call, or null.
  ///
  /// @param usage whether a stream without its closing usage will not do
  /// @param millis now, since 1970
  /// @param stored whether it was not in memory
  @Nullable Hit hit(Caching caching, boolean usage, long millis, boolean stored) {
    if (usage && !whole) {
      return null;
    }
    long age = Math.max(0, millis - made);
    long ttl = lifetime - age;
    Hit.Use use = -ttl > useful() ? null : use(caching, age, ttl);
    return use == null ? null : new Hit(log, run, age, ttl, use, stored);
  }

  private Hit.@Nullable Use use(Caching caching, long age, long ttl) {
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
