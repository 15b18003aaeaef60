package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Background work that waits for one upstream: so many calls at once, higher priority first, in
/// turns between tenants, the oldest of a tenant first. While the upstream wants to be left alone
/// nothing begins; then one call finds out how it is. Thread-safe; shared by all loops.
///
/// What nobody has asked for ([#PREFETCH]) has spare capacity only: half of the places, and one
/// only while nobody else waits for any.
///
/// This is memory only: the table of runs is what survives, and it is read in recovery alone.
public final class Queue {
  private static final long LEAST_QUIET = Duration.ofSeconds(1).toNanos();
  private static final int UNLIMITED = Integer.MAX_VALUE;

  /// The lowest priority: an answer that nobody has asked for yet.
  public static final int PREFETCH = 9;

  /// A run that waits in memory takes about 3 KB there.
  private static final int LONG = 1_000;

  /// As many lines of batches wait here as are begun while the store is asked for more.
  private static final int ENOUGH = 500;

  private final int atOnce;
  private final int most;
  private final int inMemory;
  private final TreeMap<Integer, LinkedHashMap<String, LinkedHashSet<Ticket>>> waiting =
      new TreeMap<>();

  /// How many wait, but for what nobody has asked for, which takes no room from others.
  private int length;

  private int underWay;

  /// How many of those nobody has asked for, and how many such wait.
  private int prefetching;

  private int prefetches;
  private boolean stopped;
  private volatile Runnable thin = () -> {};

  /// Whether somebody is granting places: one at a time, so that a call which ends within its own
  /// beginning, and so makes room for the next, is no deeper than that one.
  private boolean granting;

  /// How many of the calls under way have not brought the upstream's answer yet: it may not have
  /// counted them.
  private int unheard;

  private boolean quiet;
  private long quietUntil;

  /// How many may begin before the upstream has said again how many it allows.
  private int allowance = UNLIMITED;

  /// How many calls at once the upstream has shown to bear, at most [#atOnce]: halved when it
  /// refuses one, one more when it has answered as many.
  private double bearable;

  /// How many calls were begun, and how many had been when one was last refused.
  private long begun;

  private long begunBeforeRefusal;

  /// How often it has refused since it last answered.
  private int refusals;

  /// @param atOnce how many calls may be under way, 1 or more
  /// @param most how many may wait
  public Queue(int atOnce, int most) {
    this(atOnce, most, LONG);
  }

  /// The same.
  ///
  /// @param inMemory how many may wait before those that come leave all but their place to the
  ///   store
  public Queue(int atOnce, int most, int inMemory) {
    this.atOnce = atOnce;
    this.most = most;
    this.inMemory = inMemory;
    this.bearable = atOnce;
  }

  /// How many wait, of those that somebody has asked for.
  public synchronized int length() {
    return length;
  }

  /// How many calls are under way.
  public synchronized int underWay() {
    return underWay;
  }

  /// Whether new work should be refused. What was accepted always finds room.
  public synchronized boolean isFull() {
    return length >= most;
  }

  /// Whether new work that nobody has asked for should be refused.
  public synchronized boolean isFullOfPrefetches() {
    return prefetches >= most;
  }

  /// Whether so many wait that those who come should leave all but their place to the store.
  synchronized boolean isLong() {
    return length >= inMemory;
  }

  /// How many lines of batches should come here from the store now: none while enough wait, so that
  /// they come some at a time, and never so many that they keep others out.
  public synchronized int room() {
    int enough = Math.min(Math.max(ENOUGH, 2 * atOnce), Math.max(1, most / 2));
    return stopped || length > enough / 2 ? 0 : enough - length;
  }

  /// What is to be done when there may be room for lines of batches; once, before it is used.
  public void whenThin(Runnable action) {
    thin = action;
  }

  /// How many calls are made at once.
  public int atOnce() {
    return atOnce;
  }

  /// From now on nothing begins: what waits is for another process.
  public synchronized void stop() {
    stopped = true;
  }

  /// A place for somebody who is not in line yet.
  ///
  /// @param clock the loop on which it is granted
  Ticket ticket(Turn turn, Clock clock) {
    return new Ticket(turn, clock);
  }

  private void next(Clock clock) {
    synchronized (this) {
      if (granting) {
        // Whoever does looks again before it is done.
        return;
      }
      granting = true;
    }
    boolean done = false;
    try {
      for (Ticket first = grant(clock); first != null; first = grant(clock)) {
        first.clock.execute(first::granted);
      }
      done = true;
    } finally {
      if (!done) {
        synchronized (this) {
          granting = false;
        }
      }
    }
    thin.run();
  }

  private synchronized @Nullable Ticket grant(Clock clock) {
    Ticket first = mayBegin(clock.nanos()) ? poll() : null;
    if (first == null) {
      granting = false;
      return null;
    }
    first.place = Place.AT_UPSTREAM;
    first.number = ++begun;
    underWay++;
    prefetching += first.isPrefetch() ? 1 : 0;
    unheard++;
    if (allowance != UNLIMITED && allowance > 0) {
      allowance--;
    }
    return first;
  }

  private boolean mayBegin(long now) {
    if (stopped || underWay >= (int) bearable || (quiet && now - quietUntil < 0)) {
      return false;
    }
    quiet = false;
    // With nothing allowed and nothing to hear, one call finds out what holds now.
    return allowance > 0 || unheard == 0;
  }

  /// Whether there is room for one more that nobody has asked for: half of the places are for such,
  /// and one if there is but one.
  private boolean isSpare() {
    return prefetching < Math.max(1, (int) bearable / 2);
  }

  private @Nullable Ticket poll() {
    for (Iterator<Map.Entry<Integer, LinkedHashMap<String, LinkedHashSet<Ticket>>>> all =
            waiting.entrySet().iterator();
        all.hasNext(); ) {
      var line = all.next();
      if (line.getKey() == PREFETCH && !isSpare()) {
        return null;
      }
      LinkedHashMap<String, LinkedHashSet<Ticket>> tenants = line.getValue();
      Map.Entry<String, LinkedHashSet<Ticket>> first = tenants.pollFirstEntry();
      if (first == null) {
        all.remove();
        continue;
      }
      Ticket ticket = first.getValue().removeFirst();
      count(ticket, -1);
      if (!first.getValue().isEmpty()) {
        // The tenant goes to the end of the line of tenants.
        tenants.put(first.getKey(), first.getValue());
      }
      return ticket;
    }
    return null;
  }

  private synchronized long told(Ticket by, RateLimit limit, long now) {
    hear(by);
    boolean refused = limit.status() == 429 || limit.status() == 503 && limit.retryAfter() > 0;
    if (refused) {
      long asked = limit.retryAfter();
      if (asked == 0 && limit.remaining() == 0) {
        asked = limit.reset();
      }
      if (by.number > begunBeforeRefusal) {
        // Those that were under way together are refused together: that is one refusal.
        begunBeforeRefusal = begun;
        bearable = Math.max(1, bearable / 2);
        refusals++;
      }
      allowance = 0;
      return quiet(Math.max(asked, LEAST_QUIET << Math.clamp(refusals - 1, 0, 6)), now);
    }
    if (limit.status() >= 400) {
      return 0;
    }
    if (by.number > begunBeforeRefusal) {
      refusals = 0;
      bearable = Math.min(atOnce, bearable + 1 / bearable);
    }
    if (limit.remaining() >= 0) {
      allowance = (int) Math.max(0, Math.min(UNLIMITED - 1, limit.remaining() - unheard));
      return allowance == 0 ? quiet(limit.reset(), now) : 0;
    }
    if (by.number > begunBeforeRefusal) {
      allowance = UNLIMITED;
    }
    return 0;
  }

  private void hear(Ticket ticket) {
    if (ticket.place == Place.AT_UPSTREAM && !ticket.heard) {
      ticket.heard = true;
      unheard--;
    }
  }

  /// The upstream wants to be left alone for so long.
  private long quiet(long time, long now) {
    if (!quiet || now + time - quietUntil > 0) {
      quietUntil = now + time;
    }
    quiet = true;
    return time;
  }

  /// Who wants a place.
  ///
  /// @param upstream at which upstream
  /// @param priority who goes first, 0 being the highest and [#PREFETCH] the lowest
  /// @param tenant whose work it is
  /// @param granted is run on its loop when it is its turn
  record Turn(String upstream, int priority, String tenant, Runnable granted) {}

  private enum Place {
    OUTSIDE,
    IN_LINE,
    AT_UPSTREAM,
    NOWHERE
  }

  /// One log's place.
  final class Ticket {
    private final Clock clock;
    private Turn turn;
    private Place place = Place.OUTSIDE;

    /// Whether whoever has the turn knows that it has come. Only on the ticket's loop.
    private boolean known;

    private long number;
    private boolean heard;

    private Ticket(Turn turn, Clock clock) {
      this.turn = turn;
      this.clock = clock;
    }

    /// Gets in line, or stays where it is already; its turn may come before this returns. Only on
    /// the ticket's loop.
    void enter() {
      boolean isTurn;
      synchronized (Queue.this) {
        isTurn = place == Place.AT_UPSTREAM;
        if (place == Place.OUTSIDE) {
          place = Place.IN_LINE;
          waiting
              .computeIfAbsent(turn.priority, _ -> new LinkedHashMap<>())
              .computeIfAbsent(turn.tenant, _ -> new LinkedHashSet<>())
              .add(this);
          count(this, 1);
        }
      }
      if (isTurn) {
        granted();
      } else {
        next(clock);
      }
    }

    /// Gives the place, wherever it is, to another of the same line, who then enters. Only on the
    /// ticket's loop.
    void passTo(Turn other) {
      synchronized (Queue.this) {
        if (other.priority != turn.priority || !other.tenant.equals(turn.tenant)) {
          throw new IllegalArgumentException(other + " is of another line than " + turn);
        }
        turn = other;
      }
      known = false;
    }

    private boolean isPrefetch() {
      return turn.priority == PREFETCH;
    }

    private void granted() {
      if (!known) {
        known = true;
        turn.granted.run();
      }
    }

    /// The upstream answered, and told of its limits. Only on the ticket's loop.
    void told(RateLimit limit) {
      long wait = Queue.this.told(this, limit, clock.nanos());
      if (wait > 0) {
        clock.after(Duration.ofNanos(wait), () -> next(clock));
      } else {
        next(clock);
      }
    }

    /// Gives the place up, wherever it is. Idempotent.
    void vacate() {
      synchronized (Queue.this) {
        switch (place) {
          case IN_LINE -> leaveLine(this);
          case AT_UPSTREAM -> {
            hear(this);
            underWay--;
            prefetching -= isPrefetch() ? 1 : 0;
          }
          case OUTSIDE, NOWHERE -> {}
        }
        place = Place.NOWHERE;
      }
      next(clock);
    }

    @Override
    public String toString() {
      return turn + ": " + place;
    }
  }

  private void count(Ticket ticket, int change) {
    if (ticket.isPrefetch()) {
      prefetches += change;
    } else {
      length += change;
    }
  }

  private void leaveLine(Ticket ticket) {
    var tenants = Objects.requireNonNull(waiting.get(ticket.turn.priority), "its priority");
    LinkedHashSet<Ticket> line =
        Objects.requireNonNull(tenants.get(ticket.turn.tenant), "its line");
    line.remove(ticket);
    if (line.isEmpty()) {
      tenants.remove(ticket.turn.tenant);
    }
    count(ticket, -1);
  }
}
