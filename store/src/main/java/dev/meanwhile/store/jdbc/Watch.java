package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import java.lang.System.Logger.Level;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Where there are other nodes: renews this node's lease, and looks for what they want of it and
/// what they have left.
final class Watch {
  private static final System.Logger LOG = System.getLogger(Watch.class.getName());
  private static final Duration EVERY = Duration.ofMillis(500);
  private static final int TIDY_EVERY = 20;

  private static final String CANCELLING =
      "select c.run from cancelling c join log l on l.n = c.log"
          + " where l.owner = ? and l.ended_at < 1";
  private static final String OTHERS = "select n, wrote from node where n <> ?";
  private static final String TIDY =
      "delete from cancelling where not exists"
          + " (select 1 from log l where l.n = cancelling.log and l.ended_at < 1)";

  private final Postgres database;
  private final Lease lease;
  private final Time time;
  private final Store.Listener listener;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread = Threads.named("store-watch", this::run);
  private final Set<String> told = new HashSet<>();
  private Map<Long, Long> wrote = new HashMap<>();
  private @Nullable Session session;
  private long renewAt;
  private long toldLost;
  private int ticks;
  private long purged;
  private volatile long heardAt;

  Watch(Postgres database, Lease lease, Time time, Store.Listener listener) {
    this.database = database;
    this.lease = lease;
    this.time = time;
    this.listener = listener;
    renewAt = time.nanos() + lease.renewal();
  }

  /// @param open what others write from now on is seen
  /// @param lastPurge of which the listener was told
  void start(Session open, long lastPurge) throws SQLException {
    purged = lastPurge;
    heardAt = time.nanos();
    wrote = others(open);
    open.connection().commit();
    thread.start();
  }

  private void run() {
    try {
      while (!closing.await(EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
        tick();
      }
    } catch (InterruptedException e) {
      LOG.log(Level.ERROR, "the store's watch was interrupted and stops", e);
    } finally {
      drop();
    }
  }

  /// Does what is due.
  private void tick() {
    try {
      if (lease.isLost()) {
        lost();
      } else {
        renew();
      }
      if (lease.held()) {
        look();
      }
    } catch (SQLException e) {
      LOG.log(Level.WARNING, "Cannot renew the lease: " + database.fault(e).message());
      drop();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "whoever was told by the store failed", e);
    }
  }

  private void lost() throws SQLException {
    if (toldLost != lease.node()) {
      toldLost = lease.node();
      LOG.log(Level.WARNING, lease.trouble());
      listener.leaseLost();
    }
    if (lease.isOver()) {
      return;
    }
    lease.take(connected(), false);
    told.clear();
    renewAt = time.nanos() + lease.renewal();
    if (lease.held()) {
      listener.claimable();
    } else {
      LOG.log(Level.ERROR, lease.trouble());
    }
  }

  private void renew() throws SQLException {
    long now = time.nanos();
    if (now - renewAt >= 0) {
      lease.renew(connected());
      renewAt = now + lease.renewal();
      if (lease.isLost()) {
        lost();
      }
    }
  }

  private void look() throws SQLException {
    long began = time.nanos();
    Session open = connected();
    List<String> cancelled = open.query(CANCELLING, row -> row.getString(1), lease.node());
    boolean claimable = Claim.possible(open, database);
    List<Channel> changed = changed(open);
    List<Purge> purges = Answers.since(open, purged);
    if (++ticks % TIDY_EVERY == 0) {
      open.update(TIDY);
    }
    open.connection().commit();
    if (!purges.isEmpty()) {
      purged = purges.getLast().number();
      listener.purged(purges, purged);
    }
    heardAt = began;
    told.retainAll(cancelled);
    for (String run : cancelled) {
      if (told.add(run)) {
        listener.cancelRequested(run);
      }
    }
    if (!changed.isEmpty()) {
      listener.changed(changed);
    }
    if (claimable) {
      listener.claimable();
    }
  }

  /// Whether it was heard lately what other nodes have purged.
  boolean hears() {
    return time.nanos() - heardAt < lease.patience();
  }

  /// The channels in which other nodes have put more since this was last asked.
  private List<Channel> changed(Session open) throws SQLException {
    Map<Long, Long> now = others(open);
    var changed = new ArrayList<Channel>();
    // One that is gone may have written once more before.
    for (Long node : now.keySet()) {
      wrote.putIfAbsent(node, 0L);
    }
    for (Map.Entry<Long, Long> before : wrote.entrySet()) {
      if (now.getOrDefault(before.getKey(), Long.MAX_VALUE) > before.getValue()) {
        changed.addAll(Channels.since(open, before.getKey(), before.getValue()));
      }
    }
    wrote = now;
    return changed;
  }

  /// The last group that each other node has committed.
  private Map<Long, Long> others(Session open) throws SQLException {
    var others = new HashMap<Long, Long>();
    open.query(OTHERS, row -> others.put(row.getLong(1), row.getLong(2)) == null, lease.node());
    return others;
  }

  private Session connected() throws SQLException {
    if (session == null) {
      session = new Session(database.watching());
    }
    return session;
  }

  private void drop() {
    if (session != null) {
      session.close();
      session = null;
    }
  }

  void close() {
    closing.countDown();
    Threads.join(thread);
  }
}
