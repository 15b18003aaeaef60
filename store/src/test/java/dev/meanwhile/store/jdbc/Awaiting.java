package dev.meanwhile.store.jdbc;

import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Waits for what another thread does and tells nobody of.
final class Awaiting {
  private static final long PATIENCE = TimeUnit.MINUTES.toNanos(2);
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(5);

  private Awaiting() {}

  static void that(Callable<Boolean> condition) {
    long until = System.nanoTime() + PATIENCE;
    try {
      while (!condition.call()) {
        if (System.nanoTime() - until > 0) {
          throw new AssertionError("it does not come to be");
        }
        LockSupport.parkNanos(PAUSE);
      }
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
