package dev.meanwhile.store.jdbc;

import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// This node's right to write: an epoch of its name, and where there are other nodes a lease, which
/// the database's clock ends. An epoch that was lost never comes back; the node takes a new one,
/// unless another process has taken one under its name.
final class Lease {
  /// How long one is, if nothing else is said; so it is renewed each 3 s.
  static final Duration LENGTH = Duration.ofSeconds(10);

  private static final String FENCE = "update node set fenced = 1 where name = ? and fenced = 0";
  private static final String TAKE =
      "insert into node (name, epoch, fenced, wrote)"
          + " select ?, coalesce(max(epoch), 0) + 1, 0, 0 from node where name = ?";
  private static final String FORGET_LEASES =
      "delete from lease where node not in (select n from node)";
  private static final String NEWEST = "select max(n) from node where name = ?";

  private final Database database;
  private final String name;
  private final Time time;
  private final long lengthNanos;
  private final String grant;
  private final String renew;
  private final String forget;

  private volatile long node;
  private volatile long renewedAt;
  private volatile boolean lost = true;
  private volatile boolean over;

  Lease(Database database, String name, Duration length, Time time) {
    this.database = database;
    this.name = name;
    this.time = time;
    lengthNanos = length.toNanos();
    String until = database.now() + " + " + length.toMillis();
    grant = "insert into lease (node, until) values (?, " + until + ")";
    renew =
        "update lease set until = "
            + until
            + " where node = ? and node in (select n from node where not "
            + gone(database)
            + ")";
    // Not at once: a node that was fenced may still want to know whether its last commit came to
    // be.
    forget =
        "delete from node where n <> 0 and "
            + gone(database)
            + " and not exists (select 1 from lease where lease.node = node.n and lease.until > "
            + database.now()
            + " - 86400000)"
            + " and not exists (select 1 from log where owner = node.n and ended_at = 0)";
  }

  /// An SQL condition: a row of `node` is an epoch that owns nothing any more.
  static String gone(Database database) {
    return "(fenced = 1 or exists (select 1 from lease where lease.node = node.n and lease.until < "
        + database.now()
        + "))";
  }

  /// The number of this node's epoch; also of one that was lost, until there is another.
  long node() {
    return node;
  }

  /// Whether this node may write, by its own clock.
  boolean held() {
    return !lost && !isOverdue();
  }

  /// It is given up a little before others may take it.
  private boolean isOverdue() {
    return database.shared() && time.nanos() - renewedAt >= patience();
  }

  /// How long a node may be out of touch, in nanoseconds.
  long patience() {
    return lengthNanos / 10 * 8;
  }

  /// After how long it is renewed, in nanoseconds.
  long renewal() {
    return lengthNanos / 10 * 3;
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
    session.update(TAKE, name, name);
    Long mine = session.first(NEWEST, row -> row.getLong(1), name);
    if (mine == null) {
      throw new SQLException("the row of this node has vanished");
    }
    if (database.shared()) {
      session.update(grant, mine);
    }
    session.update(forget);
    session.update(FORGET_LEASES);
    session.connection().commit();
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
