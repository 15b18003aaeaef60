package dev.meanwhile;

import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.store.AnswerStore;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/// Takes over logs that nobody goes on with, a batch after the other, and shares them out among the
/// loops. Thread-safe.
final class Claims implements Store.Listener {
  private static final int BATCH = 500;

  private final Store store;
  private final List<Dispatcher> dispatchers;
  private final Consumer<String> cancel;
  private final AtomicInteger losses;
  private final Supply supply;
  private final Runnable due;
  private final Consumer<Collection<Channel>> changed;
  private final AnswerStore.PurgeListener purged;

  /// How often was asked for since the last batch was wanted: whoever raises it from 0 begins.
  private final AtomicInteger asked = new AtomicInteger();

  private volatile boolean begun;
  private volatile boolean stopped;
  private int next;

  /// @param losses is raised when the lease is lost, before anything else happens
  /// @param supply is told of what there may be to take
  /// @param due what to do when there may be notices to send
  /// @param changed what to do when there may be more in channels
  /// @param purged is told of purges
  Claims(
      Store store,
      List<Dispatcher> dispatchers,
      Consumer<String> cancel,
      AtomicInteger losses,
      Supply supply,
      Runnable due,
      Consumer<Collection<Channel>> changed,
      AnswerStore.PurgeListener purged) {
    this.store = store;
    this.dispatchers = dispatchers;
    this.cancel = cancel;
    this.losses = losses;
    this.supply = supply;
    this.due = due;
    this.changed = changed;
    this.purged = purged;
  }

  void open() {
    store.open(this);
  }

  void begin() {
    begun = true;
    supply.begin();
    claimable();
  }

  /// Takes over nothing more: a stopping process would claim what it has just released, again and
  /// again.
  void stop() {
    stopped = true;
    supply.stop();
  }

  @Override
  public void claimable() {
    supply.wake();
    if (begun && !stopped && asked.getAndIncrement() == 0) {
      claim();
    }
  }

  private void claim() {
    int answers = asked.get();
    int lease = losses.get();
    store.claim(
        BATCH,
        new Store.Reply<>() {
          @Override
          public void is(List<Store.Claimed> claimed) {
            if (losses.get() == lease) {
              for (Store.Claimed each : claimed) {
                dispatchers.get(next++ % dispatchers.size()).recover(each, lease);
              }
            } else {
              // Whether they were claimed before the lease was lost or after, nobody can tell.
              var ids = claimed.stream().map(each -> each.log().id()).toList();
              store.write(new Change.Released(ids), _ -> claimable());
            }
            // Who asked meanwhile may have meant what came after this batch was read.
            if (!stopped && (claimed.size() == BATCH || !asked.compareAndSet(answers, 0))) {
              claim();
            }
          }

          @Override
          public void failed(String trouble) {
            // The store says when it is well again.
            asked.set(0);
          }
        });
  }

  @Override
  public void lines() {
    supply.wake();
  }

  @Override
  public void due() {
    due.run();
  }

  @Override
  public void changed(Collection<Channel> channels) {
    changed.accept(channels);
  }

  @Override
  public void purged(List<Purge> purges, long last) {
    purged.purged(purges, last);
  }

  @Override
  public void cancelRequested(String run) {
    cancel.accept(run);
  }

  @Override
  public void leaseLost() {
    losses.incrementAndGet();
    dispatchers.forEach(Dispatcher::leaseLost);
  }
}
