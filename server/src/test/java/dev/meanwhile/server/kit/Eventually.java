package dev.meanwhile.server.kit;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/// Waits for what must come to pass, however slow the machine is.
public final class Eventually {
  /// Far more than anything here takes; only a failing test waits so long.
  public static final Duration PATIENCE = Duration.ofSeconds(30);

  private Eventually() {}

  /// Returns once `condition` holds.
  ///
  /// @throws AssertionError if it does not hold in time
  public static void until(String what, Callable<Boolean> condition) throws Exception {
    long limit = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > limit) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }
}
