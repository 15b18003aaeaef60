package dev.meanwhile.server.kit;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredAnswer;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredLine;
import dev.meanwhile.store.StoredRun;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A store that takes nothing while it is in trouble, and that keeps a promise waiting until a test
/// lets it go.
public final class SlowStore implements Store {
  private final Store store;
  private final LinkedBlockingQueue<Runnable> held = new LinkedBlockingQueue<>();
  private volatile @Nullable String trouble;
  private volatile boolean holding;
  private volatile boolean holdingClaims;
  private final AtomicInteger cancels = new AtomicInteger();

  public SlowStore(Store store) {
    this.store = store;
  }

  /// From now on nothing can be promised, for this reason.
  public void inTrouble(String reason) {
    trouble = reason;
  }

  /// From now on promises wait.
  public void hold() {
    holding = true;
  }

  /// From now on what is claimed is this store's, but whoever claims it is not told yet.
  public void holdClaims() {
    holdingClaims = true;
  }

  /// How often others have asked for a run to be stopped.
  public int cancels() {
    return cancels.get();
  }

  /// Does what waits, once there is something.
  public void letGo() throws InterruptedException {
    Runnable next = held.poll(Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("nothing was promised");
    }
    holding = false;
    holdingClaims = false;
    next.run();
    for (Runnable rest = held.poll(); rest != null; rest = held.poll()) {
      rest.run();
    }
  }

  /// How many changes wait.
  public int waiting() {
    return held.size();
  }

  @Override
  public void open(Listener listener) {
    store.open(
        new Listener() {
          @Override
          public void cancelRequested(String run) {
            listener.cancelRequested(run);
            cancels.incrementAndGet();
          }

          @Override
          public void leaseLost() {
            listener.leaseLost();
          }

          @Override
          public void claimable() {
            listener.claimable();
          }

          @Override
          public void lines() {
            listener.lines();
          }

          @Override
          public void due() {
            listener.due();
          }

          @Override
          public void purged(List<Purge> purges, long last) {
            listener.purged(purges, last);
          }

          @Override
          public void changed(Collection<Channel> channels) {
            listener.changed(channels);
          }
        });
  }

  @Override
  public @Nullable String trouble() {
    return trouble != null ? trouble : store.trouble();
  }

  @Override
  public boolean shared() {
    return store.shared();
  }

  @Override
  public boolean hears() {
    return store.hears();
  }

  @Override
  public void answer(byte[] key, long now, Reply<@Nullable StoredAnswer> reply) {
    if (trouble == null) {
      store.answer(key, now, reply);
    } else {
      reply.failed(trouble);
    }
  }

  @Override
  public void lease(byte[] key, Duration time, Reply<Boolean> reply) {
    store.lease(key, time, reply);
  }

  @Override
  public void write(Change change, Consumer<Outcome> done) {
    if (trouble != null && change.isRefusable()) {
      done.accept(new Outcome.Refused(trouble));
    } else if (holding) {
      held.add(() -> store.write(change, done));
    } else {
      store.write(change, done);
    }
  }

  @Override
  public void claim(int most, Reply<List<Claimed>> reply) {
    store.claim(
        most,
        new Reply<>() {
          @Override
          public void is(List<Claimed> claimed) {
            if (holdingClaims && !claimed.isEmpty()) {
              held.add(() -> reply.is(claimed));
            } else {
              reply.is(claimed);
            }
          }

          @Override
          public void failed(String trouble) {
            reply.failed(trouble);
          }
        });
  }

  @Override
  public void take(Map<String, Integer> rooms, long now, Reply<Taken> reply) {
    store.take(rooms, now, reply);
  }

  @Override
  public void batch(String run, Reply<@Nullable StoredBatch> reply) {
    store.batch(run, reply);
  }

  @Override
  public void lines(
      String batch, int after, int most, boolean failed, Reply<List<StoredLine>> reply) {
    store.lines(batch, after, most, failed, reply);
  }

  @Override
  public void pieces(String log, int fromPiece, Reply<List<Piece>> reply) {
    store.pieces(log, fromPiece, reply);
  }

  @Override
  public void find(String run, Reply<@Nullable StoredRun> reply) {
    store.find(run, reply);
  }

  @Override
  public void findKey(byte[] key, Reply<IdempotencyEntry.@Nullable Held> reply) {
    store.findKey(key, reply);
  }

  @Override
  public void list(Query query, Reply<List<StoredRun>> reply) {
    store.list(query, reply);
  }

  @Override
  public void endpoints(String tenant, Reply<List<Endpoint>> reply) {
    store.endpoints(tenant, reply);
  }

  @Override
  public void notices(
      String endpoint, @Nullable String before, int most, Reply<List<Notice>> reply) {
    store.notices(endpoint, before, most, reply);
  }

  @Override
  public void due(
      Collection<String> busy,
      long now,
      long until,
      int most,
      int mostMails,
      Reply<List<Due>> reply) {
    store.due(busy, now, until, most, mostMails, reply);
  }

  @Override
  public void entries(Channel channel, Entries.Mark after, int most, Reply<Entries> reply) {
    store.entries(channel, after, most, reply);
  }

  @Override
  public byte[] constant(String name, Supplier<byte[]> initial) {
    return store.constant(name, initial);
  }

  @Override
  public void close() {
    store.close();
  }
}
