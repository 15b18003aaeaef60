package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Purge;
import java.lang.System.Logger.Level;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The one thread that writes: takes what has gathered, commits it as one group, answers it.
///
/// **Was it committed?** Every group has a number, which its transaction writes into this node's
/// row. When a commit fails nobody knows whether it came to be; on the next connection the row
/// tells, and waits while the old connection's transaction is still at it. A group that need only
/// survive this process is remembered until a later one is on the disk: if the database was killed
/// and lost it, the row tells that too, and it is written again.
final class Writer {
  private static final System.Logger LOG = System.getLogger(Writer.class.getName());
  private static final long MOST_UNCONFIRMED = 4 << 20;
  private static final int QUIET_TRIES = 20;

  private static final String WROTE = "select wrote from node where n = ?";

  private final Database database;
  private final Lease lease;
  private final Consumer<String> cancelled;
  private final Runnable due;
  private final Runnable lines;
  private final Consumer<List<Channel>> changed;
  private final Consumer<List<Purge>> purged;
  private final String mark;
  private final Arrays inOne;
  private final BlockingQueue<Item> queue = new LinkedBlockingQueue<>();
  // What was taken from the queue while nothing could be written.
  private final Deque<Item> waiting = new ArrayDeque<>();
  private final Deque<Group> unconfirmed = new ArrayDeque<>();
  private final Thread thread = Threads.named("store-writer", this::run);
  private long unconfirmedBytes;
  private long lastNumber;
  private @Nullable Session session;
  private boolean last;
  private volatile @Nullable String trouble;
  private volatile boolean closing;

  /// @param cancelled told of each run of this node that is to be stopped
  /// @param due told when there are notices to send
  /// @param lines told when there may be lines of batches to take
  /// @param changed told of channels in which there is more
  /// @param purged told of purges, before whoever gave them
  Writer(
      Database database,
      Lease lease,
      Consumer<String> cancelled,
      Runnable due,
      Runnable lines,
      Consumer<List<Channel>> changed,
      Consumer<List<Purge>> purged) {
    this.database = database;
    this.lease = lease;
    this.cancelled = cancelled;
    this.due = due;
    this.lines = lines;
    this.changed = changed;
    this.purged = purged;
    mark = "update node set wrote = ? where n = ? and not " + Lease.gone(database);
    inOne = Accepts.inOne(mark);
  }

  void start() {
    thread.start();
  }

  void give(Item item) {
    queue.add(item);
  }

  /// Why nothing can be written now, or null.
  @Nullable String trouble() {
    return trouble;
  }

  /// Writes what was given and stops; does not try again what cannot be written.
  void close() {
    closing = true;
    queue.add(new Item.Last());
    Threads.join(thread);
  }

  private void run() {
    try {
      for (Group group = next(); group != null; group = next()) {
        store(group);
      }
    } catch (InterruptedException e) {
      LOG.log(Level.ERROR, "the store's writer was interrupted and stops", e);
    } finally {
      drop();
      waiting.addAll(queue);
      waiting.forEach(Item::abandon);
    }
  }

  private @Nullable Group next() throws InterruptedException {
    if (last) {
      return null;
    }
    var group = new Group();
    while (!group.isFull() && !last) {
      Item item = waiting.poll();
      if (item == null) {
        item = group.isEmpty() ? queue.take() : queue.poll();
      }
      if (item == null) {
        break;
      }
      if (item instanceof Item.Last) {
        last = true;
      } else {
        group.add(item);
      }
    }
    return group;
  }

  /// Returns once it is committed. Also an empty group is: it shows that trouble is over.
  private void store(Group group) throws InterruptedException {
    for (int failures = 1; ; failures++) {
      Fault fault = tryOnce(group);
      if (fault == null) {
        trouble = null;
        answer(group);
        return;
      }
      switch (fault.kind()) {
        case CHANGE -> {
          storeEach(group, fault);
          return;
        }
        case AGAIN -> {
          if (failures > QUIET_TRIES) {
            troubled(group, fault);
          }
        }
        case FULL, TROUBLE -> troubled(group, fault);
      }
      if (closing && trouble != null) {
        last = true;
        group.items().forEach(Item::abandon);
        return;
      }
      pause(failures);
    }
  }

  private void troubled(Group group, Fault fault) {
    if (trouble == null) {
      LOG.log(Level.WARNING, "Cannot write: " + fault.message());
    }
    trouble = fault.message();
    if (!group.inDoubt()) {
      for (Item.Written refused : group.remove(Change::isRefusable)) {
        say(() -> refused.refuse(fault.message()));
      }
    }
  }

  /// One change cannot be written: finds out which.
  private void storeEach(Group group, Fault fault) throws InterruptedException {
    if (group.items().size() > 1) {
      for (Group alone : group.split()) {
        store(alone);
      }
      return;
    }
    LOG.log(Level.ERROR, "Refused a change: " + fault.message());
    Item item = group.items().getFirst();
    say(() -> item.refuse(fault.message()));
  }

  /// Waits before the next try, and meanwhile answers what need not wait.
  private void pause(int failures) throws InterruptedException {
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Math.min(1000, 5L << failures));
    for (long left = 1; left > 0 && !closing; left = until - System.nanoTime()) {
      Item item = queue.poll(left, TimeUnit.NANOSECONDS);
      if (item != null && !isSettled(item)) {
        waiting.add(item);
      }
    }
  }

  /// Answers it, if it is certain that it will not be written.
  private boolean isSettled(Item item) {
    String reason = trouble;
    if (!lease.held() && isFenced(item)) {
      return true;
    }
    if (reason != null && item instanceof Item.Written written && written.change().isRefusable()) {
      say(() -> written.refuse(reason));
      return true;
    }
    return false;
  }

  /// Answers it, if this node, which has lost its lease, will not write it.
  private boolean isFenced(Item item) {
    if (item instanceof Item.Written written && Group.isOwners(written.change())) {
      if (written.change() instanceof Change.Accept) {
        say(() -> written.refuse(lease.trouble()));
      } else {
        written.outcome(new Outcome.Fenced());
        say(written::answer);
      }
      return true;
    }
    if (lease.isOver() && !(item instanceof Item.Last)) {
      say(() -> item.refuse(lease.trouble()));
      return true;
    }
    return false;
  }

  /// @return null if it is committed
  private @Nullable Fault tryOnce(Group group) {
    database.awaitTurn();
    try {
      Session open;
      try {
        open = connected();
        if (group.inDoubt()) {
          Long wrote = wrote(open, group.node());
          if (wrote == null) {
            // This epoch was forgotten in the meantime: nobody will ever know.
            group.items().forEach(Item::abandon);
            group.items().clear();
          } else if (wrote >= group.number()) {
            return null;
          }
          group.inDoubt(false);
        }
      } catch (SQLException | RuntimeException e) {
        return failed(e);
      }
      long node = lease.node();
      if (group.number() == 0 || group.node() != node) {
        group.begin(++lastNumber, node);
      }
      try {
        if (isInOne(open, group)) {
          return committed(group);
        }
      } catch (SQLException e) {
        return uncommitted(group, e);
      }
      try {
        if (!lease.held() || !begin(open, group)) {
          open.connection().rollback();
          lease.lose(node);
          return fence(group);
        }
        group.apply(open, database);
      } catch (SQLException | RuntimeException e) {
        return failed(e);
      }
      try {
        open.connection().commit();
      } catch (SQLException e) {
        return uncommitted(group, e);
      }
      return committed(group);
    } finally {
      database.endTurn();
    }
  }

  /// Writes nothing but accepted runs in one statement, which is its own transaction: one trip to
  /// the database where the usual way takes three.
  ///
  /// @return whether it is written; if not, nothing of it is, and the usual way finds out why
  private boolean isInOne(Session open, Group group) throws SQLException {
    List<Change.Accept> accepts = database.takesArrays() ? group.accepts() : List.of();
    if (accepts.isEmpty() || !lease.held()) {
      return false;
    }
    open.connection().setAutoCommit(true);
    try {
      inOne.run(open, Accepts.rows(accepts, group.node()), group.number(), group.node());
    } catch (SQLException e) {
      if (database.fault(e).kind() == Fault.Kind.CHANGE) {
        return false;
      }
      throw e;
    } catch (RuntimeException e) {
      // The usual way meets it again, and says so; what was written all the same it finds.
      return false;
    } finally {
      open.connection().setAutoCommit(false);
    }
    group.stored();
    return true;
  }

  private @Nullable Fault committed(Group group) {
    confirm(group);
    database.committed();
    return null;
  }

  /// Nobody knows whether it was committed, unless the database says that it was not.
  private Fault uncommitted(Group group, SQLException failure) {
    Fault fault = database.fault(failure);
    if (fault.kind() == Fault.Kind.FULL || fault.kind() == Fault.Kind.AGAIN) {
      return failed(failure);
    }
    group.inDoubt(true);
    drop();
    return new Fault(Fault.Kind.TROUBLE, fault.message());
  }

  /// Begins its transaction.
  ///
  /// @return whether this epoch of the node may still write
  private boolean begin(Session open, Group group) throws SQLException {
    database.durability(open.connection(), isPromise(group));
    return open.update(mark, group.number(), group.node()) > 0;
  }

  private boolean isPromise(Group group) {
    return group.isPromise() || group.isEmpty() || unconfirmedBytes > MOST_UNCONFIRMED;
  }

  private void confirm(Group group) {
    if (isPromise(group)) {
      unconfirmed.clear();
      unconfirmedBytes = 0;
    } else {
      unconfirmed.add(group);
      unconfirmedBytes += group.bytes();
    }
  }

  /// Nothing of the group was committed.
  private Fault failed(Exception failure) {
    if (session != null) {
      try {
        session.connection().rollback();
      } catch (SQLException e) {
        failure.addSuppressed(e);
        drop();
      }
    }
    if (failure instanceof SQLException sql) {
      Fault fault = database.fault(sql);
      if (fault.kind() == Fault.Kind.TROUBLE) {
        drop();
      }
      return fault;
    }
    LOG.log(Level.ERROR, "A change could not be written", failure);
    return new Fault(
        Fault.Kind.CHANGE, "The store failed: " + failure + ". This is a bug: please report it.");
  }

  /// This epoch of the node may not write any more.
  private @Nullable Fault fence(Group group) {
    group.items().removeIf(this::isFenced);
    return group.isEmpty() ? null : new Fault(Fault.Kind.TROUBLE, lease.trouble());
  }

  private Session connected() throws SQLException {
    if (session != null) {
      return session;
    }
    var open = new Session(database.writing());
    try {
      database.recover(open.connection());
      replay(open);
    } catch (SQLException | RuntimeException e) {
      open.close();
      throw e;
    }
    session = open;
    return open;
  }

  /// Writes again what the database has lost.
  private void replay(Session open) throws SQLException {
    if (unconfirmed.isEmpty()) {
      return;
    }
    long node = unconfirmed.getFirst().node();
    Long wrote = wrote(open, node);
    for (Iterator<Group> groups = unconfirmed.iterator(); groups.hasNext(); ) {
      Group group = groups.next();
      if (wrote != null && group.number() > wrote && group.node() == node) {
        database.durability(open.connection(), true);
        if (open.update(mark, group.number(), node) > 0) {
          group.apply(open, database);
        }
        open.connection().commit();
      }
      groups.remove();
    }
    unconfirmedBytes = 0;
  }

  private @Nullable Long wrote(Session open, long node) throws SQLException {
    Long wrote = open.first(WROTE + database.locked(), row -> row.getLong(1), node);
    open.connection().rollback();
    return wrote;
  }

  private void drop() {
    if (session != null) {
      session.close();
      session = null;
    }
  }

  private void answer(Group group) {
    for (String run : group.cancelled()) {
      say(() -> cancelled.accept(run));
    }
    if (!group.purged().isEmpty()) {
      say(() -> purged.accept(group.purged()));
    }
    for (Item item : group.items()) {
      if (item instanceof Item.Written written && written.erases()) {
        database.erased(() -> say(item::answer));
      } else {
        say(item::answer);
      }
    }
    if (!group.changed().isEmpty()) {
      say(() -> changed.accept(group.changed()));
    }
    if (group.due()) {
      say(due);
    }
    if (group.lines()) {
      say(lines);
    }
  }

  private static void say(Runnable answer) {
    try {
      answer.run();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "whoever was answered by the store failed", e);
    }
  }
}
