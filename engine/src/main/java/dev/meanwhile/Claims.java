package dev.meanwhile;

import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.store.Store;
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

  /// How often was asked for since the last batch was wanted: whoever raises it from 0 begins.
  private final AtomicInteger asked = new AtomicInteger();

  private volatile boolean begun;
  private int next;

  Claims(Store store, List<Dispatcher> dispatchers, Consumer<String> cancel) {
    this.store = store;
    this.dispatchers = dispatchers;
    this.cancel = cancel;
  }

  void open() {
    store.open(this);
  }

  void begin() {
    begun = true;
    claimable();
  }

  @Override
  public void claimable() {
    if (begun && asked.getAndIncrement() == 0) {
      claim();
    }
  }

  private void claim() {
    int answers = asked.get();
    store.claim(
        BATCH,
        new Store.Reply<>() {
          @Override
          public void is(List<Store.Claimed> claimed) {
            for (Store.Claimed each : claimed) {
              dispatchers.get(next++ % dispatchers.size()).recover(each);
            }
            // Who asked meanwhile may have meant what came after this batch was read.
            if (claimed.size() == BATCH || !asked.compareAndSet(answers, 0)) {
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
  public void cancelRequested(String run) {
    cancel.accept(run);
  }

  @Override
  public void leaseLost() {
    dispatchers.forEach(Dispatcher::leaseLost);
  }
}
