package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.testkit.StoreClient;
import dev.meanwhile.testkit.StoreSamples;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// A program, not a test: how fast a store takes runs.
///
/// Arguments: `sqlite DIRECTORY`, `postgres URL` or `postgres DIRECTORY` (of a server of its own),
/// the number of runs, how many are in flight.
final class Rates {
  private static final int REQUEST = 1_000;
  private static final int ABOUT = 150;
  private static final int ANSWER = 500;

  private static final Map<String, Long> CPU = new HashMap<>();

  private final Store store;
  private final int inFlight;
  private final AtomicLong refused = new AtomicLong();
  private final byte[] noise = new byte[4_000];

  private Rates(Store store, int inFlight) {
    this.store = store;
    this.inFlight = inFlight;
    new Random(1).nextBytes(noise);
  }

  public static void main(String[] args) throws Exception {
    int runs = Integer.parseInt(args[2]);
    int inFlight = Integer.parseInt(args[3]);
    StoreSettings settings = settings(args[0], args[1]);
    long began = System.nanoTime();
    Store store = Stores.of(settings);
    var client = new StoreClient(store).open();
    System.out.printf("open: %d ms%n", (System.nanoTime() - began) / 1_000_000);
    var rates = new Rates(store, inFlight);
    String base = Long.toString(System.nanoTime(), 36);
    printCpu(0);
    double rate = rates.accepts(base + "a", runs);
    printCpu(runs);
    int half = (int) (rate / 2);
    rates.paced(base + "p", half);
    printCpu(half * 5);
    rates.whole(base + "w", runs);
    printCpu(runs);
    began = System.nanoTime();
    int listed = client.list(new Store.Query("shop", null, null, null, 1000)).size();
    System.out.printf("list of %d: %d ms%n", listed, (System.nanoTime() - began) / 1_000_000);
    System.out.println("refused: " + rates.refused);
    store.close();
    if (args[0].equals("sqlite")) {
      try (var files = Files.list(Path.of(args[1]))) {
        files.forEach(Rates::print);
      }
    }
    began = System.nanoTime();
    store = Stores.of(settings);
    client = new StoreClient(store).open();
    System.out.printf("open again: %d ms%n", (System.nanoTime() - began) / 1_000_000);
    began = System.nanoTime();
    int claimed = 0;
    for (int size = 1; size > 0; claimed += size) {
      size = client.claim(1000).size();
    }
    System.out.printf("claimed %d: %d ms%n", claimed, (System.nanoTime() - began) / 1_000_000);
    store.close();
  }

  /// What the store's threads have used since the last time, for each run. It says more than the
  /// time it took, where others use the machine too.
  private static void printCpu(int runs) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    for (ThreadInfo info : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (info != null && info.getThreadName().startsWith("store-")) {
        long now = threads.getThreadCpuTime(info.getThreadId());
        long before = CPU.getOrDefault(info.getThreadName(), 0L);
        CPU.put(info.getThreadName(), now);
        if (runs > 0 && now - before > runs * 50L) {
          System.out.printf(
              "  %s: %.1f us of CPU a run%n", info.getThreadName(), (now - before) / 1e3 / runs);
        }
      }
    }
  }

  private static void print(Path file) {
    try {
      System.out.println(file.getFileName() + ": " + Files.size(file));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static StoreSettings settings(String kind, String where) throws IOException {
    var retention = new Retention(Duration.ofDays(1), Long.MAX_VALUE);
    return switch (kind) {
      case "sqlite" -> new StoreSettings.InDirectory(Path.of(where), retention, 2);
      case "postgres" -> {
        String url =
            where.startsWith("jdbc:")
                ? where
                : Databases.builder()
                    .setDataDirectory(Path.of(where))
                    .start()
                    .getJdbcUrl("postgres", "postgres");
        yield new StoreSettings.InPostgres(url, null, null, "one", retention, 2);
      }
      default -> throw new IllegalArgumentException("sqlite or postgres, not " + kind);
    };
  }

  private Change.Accept accept(String name) {
    StoredLog log =
        new StoredLog(
            "log_" + name,
            "shop",
            "openai",
            2,
            1,
            1,
            0,
            0,
            "queued",
            0,
            0,
            Arrays.copyOf(noise, REQUEST),
            null,
            null);
    var run =
        new StoredRun("run_" + name, log, "shop", Arrays.copyOf(noise, ABOUT), 1, 0, 0, false);
    return new Change.Accept(run, log, null);
  }

  private void count(Outcome outcome) {
    if (!(outcome instanceof Outcome.Stored)) {
      refused.incrementAndGet();
    }
  }

  private double accepts(String base, int runs) throws InterruptedException {
    var permits = new Semaphore(inFlight);
    long began = System.nanoTime();
    for (int i = 0; i < runs; i++) {
      permits.acquire();
      store.write(
          accept("%s%018d".formatted(base, i)),
          outcome -> {
            count(outcome);
            permits.release();
          });
    }
    permits.acquire(inFlight);
    double rate = runs / ((System.nanoTime() - began) / 1e9);
    System.out.printf("accepts: %.0f/s with %d in flight%n", rate, inFlight);
    return rate;
  }

  private void paced(String base, int rate) throws InterruptedException {
    int runs = rate * 5;
    long[] took = new long[runs];
    var left = new Semaphore(0);
    long began = System.nanoTime();
    for (int i = 0; i < runs; i++) {
      long due = began + (long) (i * 1e9 / rate);
      while (System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      int at = i;
      store.write(
          accept("%s%018d".formatted(base, i)),
          outcome -> {
            count(outcome);
            took[at] = System.nanoTime() - due;
            left.release();
          });
    }
    left.acquire(runs);
    Arrays.sort(took);
    System.out.printf(
        "at %d/s: p50 %.2f ms, p99 %.2f ms, max %.2f ms%n",
        rate, took[runs / 2] / 1e6, took[runs / 100 * 99] / 1e6, took[runs - 1] / 1e6);
  }

  private void whole(String base, int runs) throws InterruptedException {
    var permits = new Semaphore(inFlight);
    long began = System.nanoTime();
    for (int i = 0; i < runs; i++) {
      permits.acquire();
      String name = "%s%018d".formatted(base, i);
      store.write(accept(name), this::count);
      store.write(StoreSamples.started(name, 1), this::count);
      store.write(
          new Change.Ended(
              "log_" + name,
              1,
              "completed",
              2,
              new Piece(0, 40, Arrays.copyOf(noise, ANSWER)),
              Arrays.copyOf(noise, 80),
              Arrays.copyOf(noise, 60),
              false),
          outcome -> {
            count(outcome);
            permits.release();
          });
    }
    permits.acquire(inFlight);
    System.out.printf(
        "accept, start, end: %.0f runs/s%n", runs / ((System.nanoTime() - began) / 1e9));
  }
}
