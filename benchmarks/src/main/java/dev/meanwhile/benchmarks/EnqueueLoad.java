package dev.meanwhile.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicLong;

/// Threads that give a peer one job after the other, each when its last one is kept.
final class EnqueueLoad {
  private final JobQueue queue;
  private final int callers;
  private final String payload;
  private final AtomicLong numbers = new AtomicLong();
  private final AtomicLong kept = new AtomicLong();
  private volatile boolean over;
  private volatile String failure = "";

  EnqueueLoad(JobQueue queue, int callers, String payload) {
    this.queue = queue;
    this.callers = callers;
    this.payload = payload;
  }

  /// Warms up, then measures for a time.
  ///
  /// @throws IllegalStateException if the peer refuses one
  AsyncResult.Rate measure(Duration warmUp, Duration time, Others others) {
    var threads = new ArrayList<Thread>();
    for (var i = 0; i < callers; i++) {
      threads.add(Thread.ofPlatform().daemon().name("caller-" + i).start(this::call));
    }
    try {
      Thread.sleep(warmUp);
      others.begin();
      var before = kept.get();
      var began = System.nanoTime();
      Thread.sleep(time);
      var count = kept.get() - before;
      var result =
          new AsyncResult.Rate(
              queue.title(),
              count * 1e9 / (System.nanoTime() - began),
              others.ownNanos() / 1e3 / count,
              others.part());
      over = true;
      for (var thread : threads) {
        thread.join(Duration.ofSeconds(30));
      }
      if (!failure.isEmpty()) {
        throw new IllegalStateException(failure);
      }
      return result;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while measuring a peer", interrupted);
    } finally {
      over = true;
    }
  }

  private void call() {
    try {
      while (!over) {
        queue.enqueue(numbers.incrementAndGet(), payload);
        kept.incrementAndGet();
      }
    } catch (RuntimeException refused) {
      failure = queue.title() + " refused a job: " + refused;
      over = true;
    }
  }
}
