package dev.meanwhile.budget;

import java.time.Duration;
import java.util.concurrent.Executor;

/// The time and the thread of one loop. As an executor it runs a task at once when called on the
/// loop, else later on it.
public interface Clock extends Executor {
  /// Monotonic time in nanoseconds, of any origin.
  long nanos();

  /// Milliseconds since 1970.
  long millis();

  /// Runs `task` on the loop once, not before `delay` has passed.
  Timer after(Duration delay, Runnable task);

  /// A task to come.
  interface Timer {
    /// The task will not run; nothing happens if it already has. Only on the loop.
    void cancel();
  }
}
