package dev.meanwhile.prefetch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeSet;

/// Decides which answers of one operation to fetch before anyone asks. It is told of every read and
/// of every answer that is stored; it looks at a key when its answer nears its end and, while there
/// is none, once in that time, and forecasts whether the key is read before a new answer would
/// expire. Every forecast is judged when its time is over, whether or not it was acted on; so
/// probabilities are calibrated without spending anything.
///
/// The score: a key's visits are a Poisson process by the clock of [Rhythm], its rate Gamma
/// distributed: `visits + a` in `time + b` where the prior `a/b` is the rate by [Marginals] and `b`
/// half a lifetime. Then at least one visit in the time `t` ahead has probability `1 - (T/(T +
/// t))^V` with `T = time + b` and `V = visits + a` (the negative binomial's complement of zero).
/// [Calibration] makes a probability of it.
///
/// The same history gives the same decisions. Times are milliseconds since 1970; one that goes back
/// counts as the latest. Not thread-safe.
public final class Prefetch {
  /// After so many lifetimes a visit, or the fate of a prefetch, counts half.
  private static final double HALF_LIFE = 4;

  /// A key's visits are at least this part of a lifetime apart: reads close together are one, since
  /// a burst says nothing about the next lifetime.
  private static final int VISITS_PER_LIFETIME = 10;

  /// Answers are looked at this part of a lifetime before their end, at most `MOST_LEAD`.
  private static final int LEAD = 50;

  private static final long MOST_LEAD = 60_000;

  /// So many prefetches that were read are assumed at the start: what waste can begin from.
  private static final double CREDIT = 20;

  /// With fewer remembered visits a key without an answer is forgotten.
  private static final double FORGOTTEN = 0.05;

  /// What an answer is taken to cost until one is known.
  private static final long FIRST_TOKENS = 1_000;

  private static final int LATEST = 50;

  private final Settings settings;
  private final long maxAge;
  private final long horizon;
  private final double halfLife;
  private final Rhythm rhythm;
  private final Marginals marginals;
  private final Calibration calibration = new Calibration();
  private final HourlyTokens hour = new HourlyTokens();
  private final Map<List<String>, Candidate> candidates = new LinkedHashMap<>();
  private final TreeSet<Candidate> dues =
      new TreeSet<>(
          Comparator.<Candidate>comparingLong(it -> it.due).thenComparingLong(it -> it.number));
  private final Deque<Decision> latest = new ArrayDeque<>();
  private final double born;
  private final Fading recentlyRead;
  private final Fading recentlyWasted;
  private long now;
  private long numbers;
  private long tokensKnown = FIRST_TOKENS;
  private long reads;
  private long hits;
  private long prefetched;
  private long read;
  private long wasted;
  private long failed;
  private long open;
  private long tokensSpent;
  private double secondsSaved;
  private long belowProbability;
  private long overTokens;
  private long overWaste;

  public Prefetch(Settings settings, long start) {
    this.settings = settings;
    now = start;
    maxAge = settings.maxAge().toMillis();
    horizon = maxAge - Math.min(maxAge / LEAD, MOST_LEAD);
    halfLife = HALF_LIFE * maxAge;
    rhythm = new Rhythm(start);
    born = rhythm.clock();
    marginals = new Marginals(settings.maxKeys(), halfLife);
    recentlyRead = new Fading(halfLife);
    recentlyWasted = new Fading(halfLife);
  }

  /// Somebody asked for this key, and got a fresh answer if there was one.
  public void read(List<String> key, long time) {
    advance(time);
    read(key, candidate(key).freshUntil > now, time);
  }

  /// Somebody asked for this key, and got what was kept, or not.
  public void read(List<String> key, boolean hit, long time) {
    advance(time);
    var candidate = candidate(key);
    reads++;
    hits += hit ? 1 : 0;
    candidate.wanted |= now < candidate.forecastEnd;
    if (candidate.outstanding) {
      settle(candidate);
      read++;
      recentlyRead.add(1, rhythm.clock());
      secondsSaved += candidate.seconds;
    }
    double clock = rhythm.clock();
    if (now - candidate.lastVisit >= maxAge / VISITS_PER_LIFETIME) {
      candidate.lastVisit = now;
      candidate.visits.add(1, clock);
      marginals.visit(key, clock);
      rhythm.read();
    }
  }

  /// There is a new answer, whoever wanted it, fresh from now.
  ///
  /// @param tokens what it cost, or 0 if that is not known
  /// @param seconds what it took: what its next reader does not wait
  public void stored(List<String> key, long tokens, double seconds, long time) {
    advance(time);
    var candidate = candidate(key);
    if (tokens > 0) {
      if (candidate.reserved > 0) {
        hour.add(tokens - candidate.reserved, candidate.reservedAt, now);
        tokensSpent += tokens - candidate.reserved;
      }
      candidate.tokens = tokens;
      tokensKnown = tokens;
    }
    candidate.reserved = 0;
    candidate.seconds = seconds;
    candidate.freshUntil = now + maxAge;
    schedule(candidate, now + horizon);
  }

  /// This key is declared to be wanted. Counts as begun, as what [#due] returns.
  ///
  /// @return false if its tokens would be too many for this hour: then it is not to be fetched now
  public boolean declared(List<String> key, long time) {
    advance(time);
    var candidate = candidate(key);
    long tokens = tokens(candidate);
    if (tokens > settings.tokensPerHour() - hour.spent(now)) {
      overTokens++;
      return false;
    }
    judge(candidate);
    waste(candidate);
    begin(candidate, Double.NaN, Double.NaN, tokens);
    return true;
  }

  /// Nothing was fetched, as there is an answer already, or somebody is asking for it.
  public void unneeded(List<String> key, long time) {
    advance(time);
    var candidate = candidates.get(key);
    if (candidate != null && candidate.outstanding) {
      settle(candidate);
      prefetched--;
      hour.add(-candidate.reserved, candidate.reservedAt, now);
      tokensSpent -= candidate.reserved;
      candidate.reserved = 0;
      latest.removeIf(it -> it.key().equals(key) && it.at() == candidate.reservedAt);
    }
  }

  /// A prefetch ended without an answer; what was set aside for it counts as spent.
  public void failed(List<String> key, long time) {
    advance(time);
    var candidate = candidates.get(key);
    if (candidate != null && candidate.outstanding) {
      settle(candidate);
      failed++;
    }
  }

  /// The key's answer was purged.
  public void purged(List<String> key, long time) {
    advance(time);
    var candidate = candidates.get(key);
    if (candidate != null) {
      candidate.freshUntil = 0;
      waste(candidate);
    }
  }

  /// What to fetch now, the likeliest first: of the keys whose answers are near their end, and of
  /// those without one whose time has come. What is returned counts as begun; each must be followed
  /// by [#stored] or [#failed], else it is wasted at the end of its time.
  public List<Decision> due(long time) {
    return decide(judged(time));
  }

  /// Finds out what became of what was fetched, and decides nothing.
  public void judge(long time) {
    double clock = rhythm.clock();
    judged(time).stream()
        .filter(it -> it.visits.at(clock) < FORGOTTEN && it.freshUntil <= now)
        .forEach(this::forget);
  }

  private List<Candidate> judged(long time) {
    advance(time);
    List<Candidate> looked = new ArrayList<>();
    while (!dues.isEmpty() && dues.first().due <= now) {
      var candidate = dues.first();
      judge(candidate);
      looked.add(candidate);
      schedule(candidate, now + horizon);
    }
    return looked;
  }

  /// Whether to fetch any of these now, the likeliest first: combinations that could be asked for,
  /// read before or not. Those that have a fresh answer, or whose forecast is under way, are left
  /// out.
  public List<Decision> consider(Iterable<List<String>> keys, long time) {
    advance(time);
    List<Candidate> looked = new ArrayList<>();
    for (var key : keys) {
      var candidate = candidate(key);
      judge(candidate);
      if (candidate.freshUntil <= now && candidate.bin < 0) {
        looked.add(candidate);
        schedule(candidate, now + horizon);
      }
    }
    return decide(looked);
  }

  /// When [#due] has something to look at next.
  public OptionalLong nextDue() {
    return dues.isEmpty() ? OptionalLong.empty() : OptionalLong.of(dues.first().due);
  }

  public Explanation explain(long time) {
    advance(time);
    double unread = recentlyWasted.at(rhythm.clock());
    double ended = unread + recentlyRead.at(rhythm.clock());
    return new Explanation(
        reads,
        hits,
        prefetched,
        read,
        wasted,
        failed,
        open,
        ended > 0 ? unread / ended : 0,
        hour.spent(now),
        tokensSpent,
        secondsSaved,
        belowProbability,
        overTokens,
        overWaste,
        candidates.size(),
        List.copyOf(latest),
        calibration.bins());
  }

  private void advance(long time) {
    now = Math.max(now, time);
    rhythm.advance(now);
  }

  private Candidate candidate(List<String> key) {
    var known = candidates.get(key);
    if (known != null) {
      return known;
    }
    double clock = rhythm.clock();
    for (var least :
        Marginals.dropLeast(candidates, settings.maxKeys() - 1, it -> it.visits.at(clock))) {
      forget(least);
    }
    var candidate =
        new Candidate(List.copyOf(key), numbers++, new Fading(halfLife), clock, now - maxAge);
    candidate.due = now + horizon;
    candidates.put(candidate.values, candidate);
    dues.add(candidate);
    return candidate;
  }

  private void schedule(Candidate candidate, long due) {
    dues.remove(candidate);
    candidate.due = due;
    dues.add(candidate);
  }

  private void forget(Candidate candidate) {
    waste(candidate);
    candidates.remove(candidate.values);
    dues.remove(candidate);
  }

  /// What became of its forecast, and of its prefetch, if their time is over.
  private void judge(Candidate candidate) {
    if (candidate.bin >= 0 && candidate.forecastEnd <= now) {
      calibration.add(candidate.bin, candidate.wanted);
      candidate.bin = -1;
    }
    if (candidate.due <= now) {
      waste(candidate);
    }
  }

  private void waste(Candidate candidate) {
    if (candidate.outstanding) {
      settle(candidate);
      wasted++;
      recentlyWasted.add(1, rhythm.clock());
    }
  }

  private void settle(Candidate candidate) {
    candidate.outstanding = false;
    open--;
  }

  private List<Decision> decide(List<Candidate> looked) {
    record Likely(Candidate candidate, double probability, double visits) {}
    List<Likely> likely = new ArrayList<>();
    double clock = rhythm.clock();
    double ahead = rhythm.ahead(horizon);
    // One that was considered may have had to make room for those after it.
    looked.removeIf(it -> candidates.get(it.values) != it);
    for (var candidate : looked) {
      double own = candidate.visits.at(clock);
      if (own < FORGOTTEN && candidate.born < clock - maxAge) {
        forget(candidate);
        continue;
      }
      double prior = maxAge / 2.0;
      double usual = marginals.visits(candidate.values, own, clock);
      double rate = usual / Math.max(prior, Fading.time(born, clock, halfLife));
      double visits = own + rate * prior;
      double time = Fading.time(candidate.born, clock, halfLife) + prior;
      double score = 1 - Math.pow(time / (time + ahead), visits);
      int bin = calibration.bin(score, (double) (now - candidate.lastVisit) / maxAge);
      if (candidate.bin < 0) {
        candidate.bin = bin;
        candidate.forecastEnd = now + horizon;
        candidate.wanted = false;
      }
      double probability = calibration.probability(bin);
      if (probability < settings.minProbability()) {
        belowProbability++;
      } else {
        likely.add(new Likely(candidate, probability, visits / time * ahead));
      }
    }
    // The sort is stable: of equals the older first.
    likely.sort(Comparator.comparingDouble(Likely::probability).reversed());
    List<Decision> decisions = new ArrayList<>();
    for (var it : likely) {
      long tokens = tokens(it.candidate);
      if (tokens > settings.tokensPerHour() - hour.spent(now)) {
        overTokens++;
      } else if (!affordsWaste(clock)) {
        overWaste++;
      } else {
        decisions.add(begin(it.candidate, it.probability, it.visits, tokens));
      }
    }
    return decisions;
  }

  private long tokens(Candidate candidate) {
    return candidate.tokens > 0 ? candidate.tokens : tokensKnown;
  }

  /// Whether the waste stays within its limit even if neither this nor any other open prefetch is
  /// ever read.
  private boolean affordsWaste(double clock) {
    double perhaps = recentlyWasted.at(clock) + open + 1;
    return perhaps <= settings.wasteMax() * (perhaps + recentlyRead.at(clock) + CREDIT);
  }

  private Decision begin(Candidate candidate, double probability, double visits, long tokens) {
    candidate.outstanding = true;
    candidate.reserved = tokens;
    candidate.reservedAt = now;
    hour.add(tokens, now, now);
    tokensSpent += tokens;
    prefetched++;
    open++;
    var decision = new Decision(candidate.values, now, probability, visits, tokens);
    latest.addLast(decision);
    if (latest.size() > LATEST) {
      latest.removeFirst();
    }
    return decision;
  }
}
