package dev.meanwhile.testkit;

import dev.meanwhile.budget.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.PriorityQueue;

/// A loop whose time only moves when a test says so. What is executed from "elsewhere" (while
/// [#elsewhere] is on) waits until the loop runs. For one thread.
public final class VirtualClock implements Clock {
  private record Due(long at, long number, Runnable task) {}

  private final PriorityQueue<Due> timers =
      new PriorityQueue<>(Comparator.comparingLong(Due::at).thenComparingLong(Due::number));
  private final ArrayDeque<Runnable> posted = new ArrayDeque<>();
  private long now = 1_000_000_000L;
  private long number;
  private boolean elsewhere;

  @Override
  public long nanos() {
    return now;
  }

  @Override
  public long millis() {
    return 1_700_000_000_000L + now / 1_000_000;
  }

  @Override
  public void execute(Runnable task) {
    if (elsewhere) {
      posted.add(task);
    } else {
      task.run();
    }
  }

  @Override
  public Timer after(Duration delay, Runnable task) {
    var due = new Due(now + delay.toNanos(), number++, task);
    timers.add(due);
    return () -> timers.remove(due);
  }

  /// Does something as another thread would: what it posts to this loop waits.
  public void elsewhere(Runnable task) {
    elsewhere = true;
    try {
      task.run();
    } finally {
      elsewhere = false;
    }
  }

  /// Runs what was posted, and what that posts.
  public void runPosted() {
    for (Runnable task = posted.poll(); task != null; task = posted.poll()) {
      task.run();
    }
  }

  /// Lets time pass, and runs every timer in its order when it is due.
  public void pass(Duration time) {
    long until = now + time.toNanos();
    runPosted();
    for (Due due = timers.peek(); due != null && due.at <= until; due = timers.peek()) {
      timers.remove(due);
      now = Math.max(now, due.at);
      due.task.run();
      runPosted();
    }
    now = until;
  }

  /// How many timers wait.
  public int timers() {
    return timers.size();
  }
}
