package dev.meanwhile;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Queue;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Store;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/// Takes lines of batches from the store as their upstreams' queues have room: all others wait in
/// the store alone, however many they are. A line that was taken is a log like any that is claimed.
/// What it knows is only on the first loop.
final class Supply {
  private final Store store;
  private final List<Dispatcher> dispatchers;
  private final List<Clock> clocks = new CopyOnWriteArrayList<>();
  private final Function<String, Queue> queues;
  private final AtomicInteger losses;
  private volatile boolean begun;
  private volatile boolean stopped;

  /// Whether the store is known to have nothing to take.
  private volatile boolean dry = true;

  /// For which upstreams it had lines when it was last asked.
  private Set<String> waiting = Set.of();

  private boolean asking;
  private boolean again;
  private int next;

  Supply(
      Store store,
      List<Dispatcher> dispatchers,
      Function<String, Queue> queues,
      AtomicInteger losses) {
    this.store = store;
    this.dispatchers = dispatchers;
    this.queues = queues;
    this.losses = losses;
  }

  /// There is one more loop, which has a dispatcher.
  void joined(Clock clock) {
    clocks.add(clock);
  }

  void begin() {
    begun = true;
    wake();
  }

  /// Takes nothing more.
  void stop() {
    stopped = true;
  }

  /// There may be lines to take. On any thread.
  void wake() {
    if (begun && !stopped) {
      clocks.getFirst().execute(() -> ask(true));
    }
  }

  /// A queue may have room. On any thread.
  void thin() {
    if (!dry && !stopped) {
      clocks.getFirst().execute(() -> ask(false));
    }
  }

  /// @param look whether to ask also if no queue has room that is known to be waited for
  private void ask(boolean look) {
    if (asking) {
      // What has come meanwhile may not be in the answer.
      again |= look;
      return;
    }
    Map<String, Integer> rooms = rooms();
    if (stopped || rooms.isEmpty() && !look) {
      return;
    }
    asking = true;
    again = false;
    int lease = losses.get();
    Clock clock = clocks.getFirst();
    store.take(
        rooms,
        clock.millis(),
        new Store.Reply<>() {
          @Override
          public void is(Store.Taken taken) {
            if (stopped) {
              // The loop may be gone.
              release(taken, lease);
            } else {
              clock.execute(() -> taken(taken, !rooms.isEmpty(), lease));
            }
          }

          @Override
          public void failed(String trouble) {
            // The store says when it is well again.
            if (!stopped) {
              clock.execute(() -> asking = false);
            }
          }
        });
  }

  private Map<String, Integer> rooms() {
    var rooms = new HashMap<String, Integer>();
    for (String upstream : waiting) {
      int room = queues.apply(upstream).room();
      if (room > 0) {
        rooms.put(upstream, room);
      }
    }
    return rooms;
  }

  private void taken(Store.Taken taken, boolean asked, int lease) {
    waiting = taken.more();
    dry = waiting.isEmpty();
    // If not, they were taken before it was lost, and are claimed like all that was left behind.
    if (losses.get() == lease) {
      for (Store.Claimed each : taken.lines()) {
        dispatchers.get(next++ % dispatchers.size()).recover(each, lease);
      }
    }
    boolean ending = taken.ended() > 0;
    // One that gave nothing although there was room is not asked at once again.
    boolean goesOn = ending || !asked || !taken.lines().isEmpty();
    // How much room there is shows once all are in line, each on its loop.
    var left = new AtomicInteger(clocks.size());
    for (Clock each : clocks) {
      each.execute(() -> {
        if (left.decrementAndGet() == 0) {
          clocks.getFirst().execute(() -> settled(goesOn, ending));
        }
      });
    }
  }

  /// Leaves lines to whoever is next.
  private void release(Store.Taken taken, int lease) {
    if (!taken.lines().isEmpty() && losses.get() == lease) {
      var ids = taken.lines().stream().map(each -> each.log().id()).toList();
      store.write(new Change.Released(ids), _ -> {});
    }
  }

  private void settled(boolean goesOn, boolean look) {
    asking = false;
    if (goesOn || again) {
      ask(look || again);
    }
  }
}
