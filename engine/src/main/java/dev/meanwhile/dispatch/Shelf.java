package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.cache.Cache;
import dev.meanwhile.cache.KeptAnswer;
import dev.meanwhile.cache.Key;
import dev.meanwhile.store.AnswerStore;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredAnswer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Kept answers behind those in memory: where they outlive the process, and where nodes share them.
/// It is there to make calls fewer; where it is slow or in trouble they are made. Thread-safe.
public final class Shelf {
  /// How long a caller waits for what may be there; after that nobody asks for [#QUIET].
  static final Duration PATIENCE = Duration.ofSeconds(1);

  static final Duration QUIET = Duration.ofSeconds(2);

  /// How long one node has for making an answer that has become stale, before another does.
  static final Duration REFRESH = Duration.ofSeconds(30);

  /// How often a node looks whether another has made one.
  static final Duration ROUND = Duration.ofSeconds(1);

  /// Larger ones stay in memory: to compress one holds a loop up.
  private static final int LARGEST = 2 << 20;

  /// What may be on its way there, in bytes; what is more stays in memory.
  private static final long MOST_UNDER_WAY = 32 << 20;

  private static final int MOST_TRIED = 100_000;

  private final Cache cache;
  private final AnswerStore store;
  private final ConcurrentHashMap<Key, Look> looks = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Key, Long> tried = new ConcurrentHashMap<>();
  private final AtomicLong underWay = new AtomicLong();

  /// When the last trouble was, and whether there was any.
  private volatile long troubledAt;

  private volatile boolean troubled;

  /// @param cache what is found is put there
  public Shelf(Cache cache, AnswerStore store) {
    this.cache = cache;
    this.store = store;
  }

  /// Whether this is where promises are kept, too.
  @SuppressWarnings("ReferenceEquality") // the very same
  boolean isOf(Store promises) {
    return promises == store;
  }

  /// Whether another node may have put there what this one has not.
  boolean isShared() {
    return store.sharesAnswers();
  }

  /// Looks for an answer and puts it into memory: once, however many ask at a time. `then` is told
  /// on this loop, at once or within [#PATIENCE]: what was found, or null. Only on the loop of
  /// `clock`.
  void look(Key key, Clock clock, Consumer<@Nullable KeptAnswer> then) {
    if (isQuiet(clock)) {
      then.accept(null);
      return;
    }
    var waiter = new Waiter(clock, then);
    var mine = new Look(key, clock);
    mine.join(waiter);
    Look its = looks.putIfAbsent(key, mine);
    while (its != null && !its.join(waiter)) {
      // It has just been answered.
      its = looks.replace(key, its, mine) ? null : looks.putIfAbsent(key, mine);
    }
    waiter.begin();
    if (its == null) {
      store.answer(key.bytes(), clock.millis(), mine);
    }
  }

  private boolean isQuiet(Clock clock) {
    return troubled && clock.nanos() - troubledAt < QUIET.toNanos();
  }

  private void trouble(Clock clock) {
    troubledAt = clock.nanos();
    troubled = true;
  }

  /// One look, and all who wait for it.
  private final class Look implements Store.Reply<@Nullable StoredAnswer> {
    private final Key key;
    private final Clock clock;
    private final List<Waiter> waiters = new ArrayList<>(1);
    private boolean over;

    Look(Key key, Clock clock) {
      this.key = key;
      this.clock = clock;
    }

    /// @return false if that is over
    synchronized boolean join(Waiter waiter) {
      if (!over) {
        waiters.add(waiter);
      }
      return !over;
    }

    private synchronized List<Waiter> end() {
      over = true;
      return waiters;
    }

    @Override
    public void is(@Nullable StoredAnswer stored) {
      clock.execute(() -> {
        troubled = false;
        KeptAnswer answer = stored == null ? null : Shelved.read(stored, clock);
        tell(answer != null && cache.put(answer) ? answer : null);
      });
    }

    @Override
    public void failed(String why) {
      clock.execute(() -> {
        trouble(clock);
        tell(null);
      });
    }

    private void tell(@Nullable KeptAnswer answer) {
      List<Waiter> all = end();
      looks.remove(key, this);
      for (Waiter waiter : all) {
        waiter.clock.execute(() -> waiter.tell(answer));
      }
    }
  }

  /// One who waits, on its loop.
  private final class Waiter {
    private final Clock clock;
    private final Consumer<@Nullable KeptAnswer> then;
    private Clock.@Nullable Timer timer;
    private boolean told;

    Waiter(Clock clock, Consumer<@Nullable KeptAnswer> then) {
      this.clock = clock;
      this.then = then;
    }

    void begin() {
      if (!told) {
        timer =
            clock.after(
                PATIENCE,
                () -> {
                  trouble(clock);
                  tell(null);
                });
      }
    }

    void tell(@Nullable KeptAnswer answer) {
      if (!told) {
        told = true;
        if (timer != null) {
          timer.cancel();
        }
        then.accept(answer);
      }
    }
  }

  /// Forgets what a run made.
  void erase(String run, Consumer<Outcome> done) {
    store.erase(run, done);
  }

  /// Keeps an answer there too. Only on one loop, that of `deflated`.
  void keep(KeptAnswer answer, Deflated deflated) {
    if (answer.log().size(0, answer.log().end()) > LARGEST) {
      return;
    }
    StoredAnswer stored = Shelved.of(answer, deflated);
    int bytes = stored.log().length;
    if (underWay.addAndGet(bytes) > MOST_UNDER_WAY) {
      underWay.addAndGet(-bytes);
      return;
    }
    store.keep(stored, _ -> underWay.addAndGet(-bytes));
  }

  /// An answer in memory is stale: has one node make a new one. Only on the loop of `clock`.
  ///
  /// @param make does it here; called on this loop, if at all
  void refresh(Key key, Clock clock, Runnable make) {
    if (!store.sharesAnswers()) {
      make.run();
    } else if (isTime(key, clock.nanos())) {
      look(
          key,
          clock,
          found -> {
            if (found == null || clock.millis() >= found.made() + found.lifetime()) {
              lease(
                  key,
                  clock,
                  mine -> {
                    if (mine) {
                      make.run();
                    }
                  });
            }
          });
    }
  }

  private boolean isTime(Key key, long now) {
    if (tried.size() >= MOST_TRIED) {
      tried.clear();
    }
    Long before = tried.get(key);
    return before == null
        ? tried.putIfAbsent(key, now) == null
        : now - before >= ROUND.toNanos() && tried.replace(key, before, now);
  }

  /// Asks for the right to make an answer of this key, which one node has for [#REFRESH]. Each has
  /// it where answers are not shared, or where nobody can say. `then` is told on this loop.
  void lease(Key key, Clock clock, Consumer<Boolean> then) {
    if (!store.sharesAnswers()) {
      then.accept(true);
      return;
    }
    store.lease(
        key.bytes(),
        REFRESH,
        new Store.Reply<>() {
          @Override
          public void is(Boolean mine) {
            clock.execute(() -> then.accept(mine));
          }

          @Override
          public void failed(String trouble) {
            // Each node for itself, then.
            clock.execute(() -> then.accept(true));
          }
        });
  }
}
