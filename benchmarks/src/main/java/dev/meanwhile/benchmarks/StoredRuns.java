package dev.meanwhile.benchmarks;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.jdbc.StoreSettings;
import dev.meanwhile.store.jdbc.Stores;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/// Fills a data directory with runs that have ended, through the store's own port.
final class StoredRuns {
  private static final int IN_FLIGHT = 4_000;
  private static final int REQUEST = 400;
  private static final int ANSWER = 400;
  private static final int ABOUT = 60;

  private StoredRuns() {}

  /// Returns when all are stored and the store is closed.
  static void fill(Path directory, int count) {
    var retention = new Store.Retention(Duration.ofDays(365), Long.MAX_VALUE);
    var noise = new byte[REQUEST];
    new Random(1).nextBytes(noise);
    var permits = new Semaphore(IN_FLIGHT);
    var refused = new AtomicLong();
    try (var store = Stores.of(new StoreSettings.InDirectory(directory, retention, 1))) {
      store.open(new Deaf());
      for (var i = 0; i < count; i++) {
        acquire(permits, 1);
        var name = "01%022d".formatted(i);
        var now = System.currentTimeMillis();
        store.write(accept(name, noise, now), outcome -> count(outcome, refused));
        store.write(new Change.Started("log_" + name, 1, now), outcome -> count(outcome, refused));
        store.write(
            ended(name, noise, now),
            outcome -> {
              count(outcome, refused);
              permits.release();
            });
      }
      acquire(permits, IN_FLIGHT);
    }
    if (refused.get() > 0) {
      throw new IllegalStateException(refused + " changes were not stored");
    }
  }

  private static Change accept(String name, byte[] noise, long now) {
    var log =
        new StoredLog(
            "log_" + name, "shop", "default", 2, now, now, 0, 0, "queued", 0, 0, noise, null, null);
    var about = Arrays.copyOf(noise, ABOUT);
    return new Change.Accept(
        new StoredRun("run_" + name, log, "shop", about, now, 0, 0, false), log, null);
  }

  private static Change ended(String name, byte[] noise, long now) {
    return new Change.Ended(
        "log_" + name,
        1,
        "completed",
        now,
        new Piece(0, 1, Arrays.copyOf(noise, ANSWER)),
        Arrays.copyOf(noise, 80),
        Arrays.copyOf(noise, 20),
        false);
  }

  private static void count(Outcome outcome, AtomicLong refused) {
    if (!(outcome instanceof Outcome.Stored)) {
      refused.incrementAndGet();
    }
  }

  private static void acquire(Semaphore permits, int count) {
    try {
      if (!permits.tryAcquire(count, 1, TimeUnit.MINUTES)) {
        throw new IllegalStateException("The store did not answer within a minute");
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while storing", interrupted);
    }
  }

  private static final class Deaf implements Store.Listener {
    @Override
    public void cancelRequested(String run) {}

    @Override
    public void leaseLost() {}

    @Override
    public void claimable() {}

    @Override
    public void changed(Collection<Channel> channels) {}

    @Override
    public void due() {}

    @Override
    public void lines() {}

    @Override
    public void purged(List<Purge> purges, long last) {}
  }
}
