package dev.meanwhile.store.jdbc;

import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// This node's right to write: an epoch of its name, and where there are other nodes a lease, which
/// the database's clock ends. An epoch that was lost never comes back; the node takes a new one,
/// unless another process has taken one under its name.
final class Lease {
  private static final Duration LENGTH = Duration.ofSeconds(10);
  private static final long GIVE_UP = Duration.ofSeconds(8).toNanos();

  private static final String FENCE = "update node set fenced = 1 where name = ? and fenced = 0";
  private static final String NEWEST = "select max(n) from node where name = ?";

  private final Database database;
  private final String name;
  private final Time time;
  private final String take;
  private final String renew;
  private final String forget;

  private volatile long node;
  private volatile long renewedAt;
  private volatile boolean lost = true;
  private volatile boolean over;

  Lease(Database database, String name, Time time) {
    this.database = database;
    this.name = name;
    this.time = time;
    String now = database.now();
    String until =
        database.shared() ? now + " + " + LENGTH.toMillis() : String.valueOf(Long.MAX_VALUE);
    take =
        "insert into node (name, epoch, fenced, lease_until, wrote)"
            + " select ?, coalesce(max(epoch), 0) + 1, 0, %s, 0 from node where name = ?"
                .formatted(until);
    renew =
        "update node set lease_until = %s where n = ? and fenced = 0 and lease_until > %s"
            .formatted(until, now);
    forget =
        "delete from node where n <> 0 and fenced = 1 and lease_until < %s - 86400000"
                .formatted(now)
            + " and not exists (select 1 from log where owner = node.n and ended_at = 0)";
  }

  /// The number of this node's epoch; also of one that was lost, until there is another.
  long node() {
    return node;
  }

  /// Whether this node may write, by its own clock.
  boolean held() {
    return !lost && !isOverdue();
  }

  private boolean isOverdue() {
    return database.shared() && time.nanos() - renewedAt >= GIVE_UP;
  }

  /// Another process runs under this name: there will be no other epoch.
  boolean isOver() {
    return over;
  }

  /// The epoch is lost.
  void lose(long epoch) {
    if (epoch == node) {
      lost = true;
    }
  }

  /// Why it is not held, and what to do.
  String trouble() {
    return over
        ? "Another process has started under the node name '"
            + name
            + "': this one must not write any more. Stop one of them, or give each a --node of its"
            + " own."
        : "This node ('"
            + name
            + "') could not renew its lease in time: other nodes may have taken its runs over."
            + " It goes on by itself once the database answers.";
  }

  /// Takes a new epoch, which fences the ones before.
  ///
  /// @param first whether this process begins: it comes to replace whoever has this name
  void take(Session session, boolean first) throws SQLException {
    long began = time.nanos();
    session.update(FENCE, name);
    Long newest = session.first(NEWEST, row -> row.getLong(1), name);
    if (!first && newest != null && newest > node) {
      session.connection().rollback();
      over = true;
      return;
    }
    session.update(forget);
    session.update(take, name, name);
    Long mine = session.first(NEWEST, row -> row.getLong(1), name);
    session.connection().commit();
    if (mine == null) {
      throw new SQLException("the row of this node has vanished");
    }
    node = mine;
    renewedAt = began;
    lost = false;
  }

  /// Renews the lease.
  ///
  /// @return whether it is still held
  boolean renew(Session session) throws SQLException {
    long began = time.nanos();
    boolean renewed = session.update(renew, node) > 0;
    session.connection().commit();
    // A renewal that came too late counts for nothing: the writer may have acted on that already.
    if (!renewed || isOverdue()) {
      lost = true;
    } else {
      renewedAt = began;
    }
    return !lost;
  }

  /// Whether it was lost, or is by now.
  boolean isLost() {
    if (isOverdue()) {
      lost = true;
    }
    return lost;
  }

  @Nullable String whyNot() {
    return held() ? null : trouble();
  }
}
