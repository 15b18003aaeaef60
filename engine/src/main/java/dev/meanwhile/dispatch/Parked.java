package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredRun;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A promised run in a long line: the store has all of it, and memory only its place. It is read
/// back when its turn comes, when its deadline passes or when somebody wants it, and is a call like
/// any other from then on. For the collector has to look at all that waits again and again, which
/// costs more than one look into the store. Apart from [#fetch] and [#isOf] only on its loop.
final class Parked implements Runnable {
  /// Those that wait like this, and how they go on.
  interface Lot {
    /// Those of all loops, by their runs' ids.
    Map<String, Parked> all();

    Store store();

    /// Whether this node still has the lease under which they were promised.
    boolean holds(int lease);

    /// Goes on with one as a call.
    ///
    /// @param place its place: in line, or at the upstream already
    void resume(Store.Claimed claimed, int lease, Queue.Ticket place);
  }

  private final String run;
  private final String tenant;
  private final Clock clock;
  private final Lot lot;
  private final int lease;
  private final Queue.Ticket place;
  private Clock.@Nullable Timer timer;
  private boolean over;

  /// Who waits until it is in memory; null while it is not being read.
  private @Nullable List<Runnable> asking;

  /// @param run the id of the run, the only one over its log
  Parked(
      String run,
      Queue queue,
      String upstream,
      int priority,
      String tenant,
      Clock clock,
      Lot lot,
      int lease) {
    this.run = run;
    this.tenant = tenant;
    this.clock = clock;
    this.lot = lot;
    this.lease = lease;
    this.place = queue.ticket(new Queue.Turn(upstream, priority, tenant, this), clock);
  }

  String id() {
    return run;
  }

  boolean isOf(String whose) {
    return tenant.equals(whose);
  }

  @SuppressWarnings("ReferenceEquality") // the very same
  boolean isIn(Lot other) {
    return lot == other;
  }

  /// Gets in line.
  ///
  /// @param left how long until its deadline
  void begin(Duration left) {
    lot.all().put(run, this);
    timer = clock.after(left, this);
    place.enter();
  }

  /// Its turn has come, or its deadline.
  @Override
  public void run() {
    read(() -> {});
  }

  /// Somebody wants it: `then` is run on its loop once it is in memory, or will not be.
  void fetch(Runnable then) {
    clock.execute(() -> read(then));
  }

  private void read(Runnable then) {
    if (over) {
      then.run();
      return;
    }
    if (asking != null) {
      asking.add(then);
      return;
    }
    asking = new ArrayList<>(List.of(then));
    lot.store()
        .find(
            run,
            new Store.Reply<@Nullable StoredRun>() {
              @Override
              public void is(@Nullable StoredRun stored) {
                clock.execute(() -> {
                  resume(stored);
                  tell();
                });
              }

              @Override
              public void failed(String trouble) {
                // It may be its turn: it looks again until the store answers.
                clock.execute(() -> {
                  tell();
                  clock.after(Durable.ROUND, Parked.this);
                });
              }
            });
  }

  private void tell() {
    List<Runnable> told = asking == null ? List.of() : asking;
    asking = null;
    told.forEach(Runnable::run);
  }

  private void resume(@Nullable StoredRun stored) {
    if (over) {
      return;
    }
    if (stored == null || stored.endedAt() > 0 || !lot.holds(lease)) {
      leave();
      return;
    }
    end();
    lot.resume(new Store.Claimed(stored.log(), List.of(stored)), lease, place);
    // Now that it is in memory, so that nobody misses it.
    lot.all().remove(run, this);
  }

  /// It goes on elsewhere, or not at all.
  void leave() {
    if (!over) {
      end();
      lot.all().remove(run, this);
      place.vacate();
    }
  }

  private void end() {
    over = true;
    if (timer != null) {
      timer.cancel();
    }
  }
}
