package dev.meanwhile.testkit;

import dev.meanwhile.budget.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// Many loops and other threads in one virtual time, on one real thread. What is due at the same
/// instant happens in an order that the seed decides, but what is posted to a loop keeps its order;
/// a loop may die, and with it all that waits there.
public final class VirtualWorld {
  private record Due(long at, int tie, long number, Runnable task) {}

  private final PriorityQueue<Due> due =
      new PriorityQueue<>(
          Comparator.comparingLong(Due::at)
              .thenComparingInt(Due::tie)
              .thenComparingLong(Due::number));
  private final SplittableRandom random;
  private long now = 1_000_000_000L;
  private long number;
  private @Nullable Loop running;

  public VirtualWorld(SplittableRandom random) {
    this.random = random;
  }

  public long nanos() {
    return now;
  }

  public long millis() {
    return 1_700_000_000_000L + now / 1_000_000;
  }

  /// A random time, most often short, never longer than `most`.
  public Duration some(Duration most) {
    long nanos = most.toNanos();
    for (int i = random.nextInt(4); i > 0 && nanos > 1; i--) {
      nanos /= 10;
    }
    return Duration.ofNanos(nanos == 0 ? 0 : random.nextLong(nanos));
  }

  /// Runs `task` once, outside of all loops, when `delay` has passed.
  public Clock.Timer later(Duration delay, Runnable task) {
    var next = new Due(now + delay.toNanos(), random.nextInt(), number++, task);
    due.add(next);
    return () -> due.remove(next);
  }

  /// Lets time pass, and everything happen that is due meanwhile.
  public void pass(Duration time) {
    long until = now + time.toNanos();
    while (next(until)) {}
    now = until;
  }

  /// Lets the next thing happen, if it is due by `until`.
  private boolean next(long until) {
    Due next = due.peek();
    if (next == null || next.at > until) {
      return false;
    }
    due.remove(next);
    now = Math.max(now, next.at);
    next.task.run();
    return true;
  }

  /// How many things are still to happen.
  public int pending() {
    return due.size();
  }

  /// One more loop.
  public Loop loop() {
    return new Loop();
  }

  /// A loop in this world.
  public final class Loop implements Clock {
    private final ArrayDeque<Runnable> posted = new ArrayDeque<>();
    private boolean dead;

    /// Nothing that waits here happens any more, and nothing that is posted.
    public void die() {
      dead = true;
      posted.clear();
    }

    @Override
    public long nanos() {
      return now;
    }

    @Override
    public long millis() {
      return VirtualWorld.this.millis();
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // the very same loop
    public void execute(Runnable task) {
      if (running == this) {
        task.run();
      } else if (!dead) {
        posted.add(task);
        if (posted.size() == 1) {
          later(some(Duration.ofMillis(1)), this::drain);
        }
      }
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // the very same loop
    public Timer after(Duration delay, Runnable task) {
      if (running != this) {
        throw new AssertionError("a timer of a loop was set elsewhere");
      }
      return later(delay, () -> on(task));
    }

    private void drain() {
      on(() -> {
        for (int left = posted.size(); left > 0 && !dead; left--) {
          posted.remove().run();
        }
      });
      if (!posted.isEmpty()) {
        later(Duration.ZERO, this::drain);
      }
    }

    /// Runs a task on this loop now.
    public void on(Runnable task) {
      if (dead) {
        return;
      }
      Loop before = running;
      running = this;
      try {
        task.run();
      } finally {
        running = before;
      }
    }
  }
}
