package dev.meanwhile.benchmarks;

import dev.meanwhile.prefetch.Prefetch;
import dev.meanwhile.prefetch.Settings;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A trace through a cache of one operation. Calls take no time here.
final class Replay {
  /// What comes before this part of the trace is not counted.
  static final double LEARNING = 0.3;

  private static final int TOKENS = 500;

  /// What fills the cache beside the callers' own misses.
  enum Way {
    DEMAND("demand only", false, false, false),
    STALE("demand, stale-while-revalidate", true, false, false),
    PREFETCH("prefetch", false, true, false),
    BOTH("prefetch, stale-while-revalidate", true, true, false),
    NIGHTLY("everything seen, once a lifetime", false, false, true);

    final String text;
    final boolean stale;
    final boolean prefetch;
    final boolean nightly;

    Way(String text, boolean stale, boolean prefetch, boolean nightly) {
      this.text = text;
      this.stale = stale;
      this.prefetch = prefetch;
      this.nightly = nightly;
    }
  }

  /// What came of it, after the learning.
  ///
  /// @param misses reads that had to wait for a call
  /// @param stale reads that got an answer over its lifetime, at most one more lifetime old
  /// @param calls all calls upstream
  /// @param prefetched those of them that nobody had asked for, `read` of which were read while
  ///   fresh, `wasted` of which were not; the others' time was not over at the end
  record Result(
      long reads, long misses, long stale, long calls, long prefetched, long read, long wasted) {
    double waste() {
      return read + wasted == 0 ? 0 : (double) wasted / (read + wasted);
    }
  }

  private static final class Entry {
    long freshUntil;
    boolean prefetched;
    boolean counted;
  }

  private final Trace trace;
  private final Way way;
  private final long lifetime;
  private final Prefetch prefetch;
  private final Map<List<String>, Entry> cache = new HashMap<>();
  private boolean counting;
  private long reads;
  private long misses;
  private long stale;
  private long calls;
  private long prefetched;
  private long read;
  private long wasted;

  private Replay(Trace trace, Way way) {
    this.trace = trace;
    this.way = way;
    lifetime = trace.lifetime().toMillis();
    prefetch = new Prefetch(Settings.of(trace.lifetime(), Long.MAX_VALUE), 0);
  }

  static Map<Way, Result> all(Trace trace) {
    var results = new LinkedHashMap<Way, Result>();
    for (var way : Way.values()) {
      results.put(way, of(trace, way));
    }
    return results;
  }

  static Result of(Trace trace, Way way) {
    return new Replay(trace, way).run();
  }

  private Result run() {
    var night = lifetime;
    for (var i = 0; i < trace.keys().size(); i++) {
      var now = trace.millis().get(i);
      counting = i >= LEARNING * trace.keys().size();
      if (way.nightly && now >= night) {
        for (var entry : cache.values()) {
          fill(entry, now, true);
        }
        night += lifetime;
      }
      if (way.prefetch) {
        for (var decision : prefetch.due(now)) {
          var entry = cache.computeIfAbsent(decision.key(), _ -> new Entry());
          fill(entry, now, true);
          prefetch.stored(decision.key(), TOKENS, 1, now);
        }
      }
      read(trace.keys().get(i), now);
    }
    var end = trace.millis().getLast();
    for (var entry : cache.values()) {
      if (entry.freshUntil <= end) {
        leave(entry);
      }
    }
    return new Result(reads, misses, stale, calls, prefetched, read, wasted);
  }

  private void read(List<String> key, long now) {
    reads += counting ? 1 : 0;
    prefetch.read(key, now);
    var entry = cache.get(key);
    if (entry != null && entry.freshUntil > now) {
      if (entry.prefetched) {
        read += entry.counted ? 1 : 0;
        entry.prefetched = false;
      }
      return;
    }
    if (entry != null && way.stale && entry.freshUntil + lifetime > now) {
      stale += counting ? 1 : 0;
    } else {
      misses += counting ? 1 : 0;
    }
    fill(cache.computeIfAbsent(key, _ -> new Entry()), now, false);
    prefetch.stored(key, TOKENS, 1, now);
  }

  private void fill(Entry entry, long now, boolean ahead) {
    leave(entry);
    calls += counting ? 1 : 0;
    prefetched += ahead && counting ? 1 : 0;
    entry.freshUntil = now + lifetime;
    entry.prefetched = ahead;
    entry.counted = counting;
  }

  private void leave(Entry entry) {
    wasted += entry.prefetched && entry.counted ? 1 : 0;
    entry.prefetched = false;
  }
}
