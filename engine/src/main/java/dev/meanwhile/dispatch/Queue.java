package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Background work that waits for one upstream: so many calls at once, higher priority first, in
/// turns between tenants, the oldest of a tenant first. While the upstream wants to be left alone
/// nothing begins. Thread-safe; shared by all loops.
///
/// This is memory only: the table of runs is what survives, and it is read in recovery alone.
public final class Queue {
  private static final long LEAST_QUIET = Duration.ofSeconds(1).toNanos();

  private final int atOnce;
  private final int most;
  private final TreeMap<Integer, LinkedHashMap<String, ArrayDeque<Ticket>>> waiting =
      new TreeMap<>();
  private int length;
  private int underWay;
  private boolean quiet;
  private long quietUntil;

  /// How many may begin before the upstream has said again how many it allows.
  private int allowance = Integer.MAX_VALUE;

  /// @param atOnce how many calls may be under way, 1 or more
  /// @param most how many may wait
  public Queue(int atOnce, int most) {
    this.atOnce = atOnce;
    this.most = most;
  }

  /// How many wait.
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

  /// How many calls are made at once.
  public int atOnce() {
    return atOnce;
  }

  /// Gets in line.
  ///
  /// @param clock the loop on which it is granted
  Ticket enter(Turn turn, Clock clock) {
    var ticket = new Ticket(turn, clock);
    synchronized (this) {
      waiting
          .computeIfAbsent(turn.priority, _ -> new LinkedHashMap<>())
          .computeIfAbsent(turn.tenant, _ -> new ArrayDeque<>())
          .add(ticket);
      length++;
    }
    next(clock);
    return ticket;
  }

  /// The upstream told of its limits.
  private void told(RateLimit limit, Clock clock) {
    if (limit.status() == 429) {
      quiet(Math.max(limit.retryAfter(), LEAST_QUIET), clock);
    } else if (limit.remaining() >= 0) {
      synchronized (this) {
        // The calls under way may not be in its count yet.
        allowance = (int) Math.max(0, Math.min(Integer.MAX_VALUE, limit.remaining() - underWay));
        if (allowance > 0) {
          return;
        }
      }
      quiet(limit.reset(), clock);
    }
  }

  /// The upstream wants to be left alone.
  ///
  /// @param time for so long, in nanoseconds from now
  private void quiet(long time, Clock clock) {
    synchronized (this) {
      long until = clock.nanos() + time;
      quietUntil = quiet && quietUntil - until > 0 ? quietUntil : until;
      quiet = true;
    }
    clock.after(Duration.ofNanos(Math.max(1, time)), () -> next(clock));
  }

  private void next(Clock clock) {
    while (true) {
      Ticket ticket;
      synchronized (this) {
        quiet &= clock.nanos() - quietUntil < 0;
        if (!quiet && allowance == 0) {
          // The time it named has passed: one call finds out what holds now.
          allowance = 1;
        }
        ticket = underWay < atOnce && !quiet && allowance > 0 ? poll() : null;
        if (ticket == null) {
          return;
        }
        ticket.place = Place.AT_UPSTREAM;
        underWay++;
        if (allowance != Integer.MAX_VALUE) {
          allowance--;
        }
      }
      ticket.clock.execute(ticket.turn.granted);
    }
  }

  private @Nullable Ticket poll() {
    for (Iterator<LinkedHashMap<String, ArrayDeque<Ticket>>> all = waiting.values().iterator();
        all.hasNext(); ) {
      LinkedHashMap<String, ArrayDeque<Ticket>> tenants = all.next();
      while (!tenants.isEmpty()) {
        Map.Entry<String, ArrayDeque<Ticket>> first = tenants.pollFirstEntry();
        Ticket ticket = first.getValue().poll();
        while (ticket != null && ticket.place == Place.NOWHERE) {
          ticket = first.getValue().poll();
        }
        if (!first.getValue().isEmpty()) {
          // The tenant goes to the end of the line of tenants.
          tenants.put(first.getKey(), first.getValue());
        }
        if (ticket != null) {
          length--;
          return ticket;
        }
      }
      all.remove();
    }
    return null;
  }

  /// Who wants a place.
  ///
  /// @param upstream at which upstream
  /// @param priority who goes first, 0 being the highest
  /// @param tenant whose work it is
  /// @param granted is run on its loop when it is its turn
  record Turn(String upstream, int priority, String tenant, Runnable granted) {}

  private enum Place {
    IN_LINE,
    AT_UPSTREAM,
    NOWHERE
  }

  /// One log's place.
  final class Ticket {
    private final Turn turn;
    private final Clock clock;
    private Place place = Place.IN_LINE;

    private Ticket(Turn turn, Clock clock) {
      this.turn = turn;
      this.clock = clock;
    }

    /// The upstream told of its limits.
    void told(RateLimit limit) {
      Queue.this.told(limit, clock);
    }

    /// Gives the place up, wherever it is. Idempotent.
    void vacate() {
      synchronized (Queue.this) {
        switch (place) {
          case IN_LINE -> length--;
          case AT_UPSTREAM -> underWay--;
          case NOWHERE -> {}
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
}
