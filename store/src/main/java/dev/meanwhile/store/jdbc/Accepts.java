package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Writes accepted runs: their logs, then the logs' requests, then the runs. PostgreSQL is given
/// all that come with a log in one statement, since it spends three times as much on a statement
/// for each row; the rest, and all in SQLite, are batches.
final class Accepts {
  private static final String LOG =
      "insert into log (id, tenant, upstream, priority, created_at, not_before, owner, attempt,"
          + " lost, lasting, name, status, ended_at, bytes, head, terminal)"
          + " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, 0, ?, ?) on conflict do nothing";
  private static final String REQUEST =
      "insert into request (log, body) select n, ? from log where id = ? on conflict do nothing";
  private static final String RUN =
      "insert into run (id, log, tenant, about, created_at, cut_at, cut_end, cancel_requested,"
          + " webhook, mail, api, late_at, idempotency_key, body_hash)"
          + " select ?, n, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
          + " from log where id = ? and owner = ? and ended_at < 1 on conflict do nothing";
  private static final String COLUMNS =
      "run text, tenant text, about bytea, created_at bigint, cut_at bigint, cut_end bigint,"
          + " cancel_requested bigint, webhook text, mail text, api text, late_at bigint, idempotency_key bytea, body_hash bytea,"
          + " id text, log_tenant text, upstream text, priority bigint, log_created_at bigint,"
          + " not_before bigint, owner bigint, attempt bigint, lost bigint, lasting bigint, status text,"
          + " ended_at bigint, head bytea, terminal bytea, body bytea";
  private static final String INSERTS =
      ", l as (insert into log (id, tenant, upstream, priority, created_at, not_before, owner,"
          + " attempt, lost, lasting, name, status, ended_at, bytes, head, terminal)"
          + " select id, log_tenant, upstream, priority, log_created_at, not_before, owner,"
          + " attempt, lost, lasting, '', status, ended_at, 0, head, terminal from g order by place"
          + " on conflict do nothing returning n, id),"
          + " q as (insert into request (log, body)"
          + " select l.n, g.body from l join g on g.id = l.id)"
          + ", r as (insert into run (id, log, tenant, about, created_at, cut_at, cut_end,"
          + " cancel_requested, webhook, mail, api, late_at, idempotency_key, body_hash)"
          + " select g.run, l.n, g.tenant, g.about, g.created_at, g.cut_at, g.cut_end,"
          + " g.cancel_requested, g.webhook, g.mail, g.api, g.late_at, g.idempotency_key, g.body_hash"
          + " from (select n, id from l union all select o.n, o.id from log o join g"
          + " on g.id = o.id and g.owner = o.owner where o.ended_at < 1) as l"
          + " join g on g.id = l.id order by g.place"
          + " on conflict do nothing returning id)"
          // Of logs that were there before: those that are new are not seen yet.
          + ", u as (update log set lasting = 1 from g join r on r.id = g.run"
          + " where log.id = g.id and log.lasting < g.lasting)";
  private static final Arrays AT_ONCE = new Arrays(COLUMNS, INSERTS + " select id from r");
  private static final String LASTING = "update log set lasting = 1 where id = ?";
  private static final String IS_STORED = "select 1 from run where id = ?";
  private static final String IS_OPEN =
      "select 1 from log where id = ? and owner = ? and ended_at < 1";
  private static final String HOLDER = "select id, body_hash from run where idempotency_key = ?";
  // Only one that was written just now: one whose runs were erased is another.
  private static final String IS_ALONE =
      "select 1 from log l where l.id = ? and l.created_at = ?"
          + " and not exists (select 1 from run r where r.log = l.n)";
  private static final String FORGET_REQUEST =
      "delete from request where log = (select n from log where id = ?)";
  private static final String FORGET_LOG = "delete from log where id = ?";

  private final Session session;
  private final Database database;
  private final long node;
  private final Channels channels;

  /// A statement that writes accepted runs and the number of their group, or nothing: unless this
  /// node may write, and all the runs were written, it divides by zero.
  ///
  /// @param mark writes the number
  static Arrays inOne(String mark) {
    return new Arrays(
        COLUMNS,
        ", m as ("
            + mark
            + " returning n)"
            + INSERTS
            + " select 1 / (case when exists (select 1 from m)"
            + " and (select count(*) from r) = (select count(*) from g) then 1 else 0 end)");
  }

  /// @param accepts each with its log
  /// @return what the statements with arrays are given of them
  static List<@Nullable Object[]> rows(List<Change.Accept> accepts, long node) {
    var rows = new ArrayList<@Nullable Object[]>();
    for (Change.Accept it : accepts) {
      if (it.log() != null) {
        rows.add(row(it, it.log(), node));
      }
    }
    return rows;
  }

  Accepts(Session session, Database database, long node, Channels channels) {
    this.session = session;
    this.database = database;
    this.node = node;
    this.channels = channels;
  }

  /// @param items of different logs
  void write(List<Item.Written> items) throws SQLException {
    List<Change.Accept> accepts =
        items.stream().map(item -> (Change.Accept) item.change()).toList();
    Set<String> accepted = isAtOnce(accepts) ? atOnce(accepts) : batch(accepts);
    for (Item.Written item : items) {
      var it = (Change.Accept) item.change();
      if (accepted.contains(it.run().id())) {
        channels.accepted(it);
        item.outcome(new Outcome.Stored());
      } else {
        item.outcome(whyNot(it));
      }
    }
  }

  /// The same of one, which is not there.
  void write(Change.Accept accept) throws SQLException {
    batch(List.of(accept));
    channels.accepted(accept);
  }

  /// All in one way, so that of two with the same key the first one has it.
  private boolean isAtOnce(List<Change.Accept> accepts) {
    return database.takesArrays() && accepts.stream().allMatch(it -> it.log() != null);
  }

  /// @return the ids of the runs that were written
  private Set<String> atOnce(List<Change.Accept> accepts) throws SQLException {
    return new HashSet<>(AT_ONCE.run(session, rows(accepts, node)));
  }

  /// @return the ids of the runs that were written
  private Set<String> batch(List<Change.Accept> accepts) throws SQLException {
    boolean logs = false;
    int[] fresh = {};
    for (Change.Accept it : accepts) {
      if (it.log() != null) {
        add(it.log(), it.lasting());
        logs = true;
      }
      add(it);
    }
    if (logs) {
      fresh = session.runBatch(LOG);
      session.runBatch(REQUEST);
    }
    Set<String> written = new HashSet<>();
    int[] changed = session.runBatch(RUN);
    int log = 0;
    for (int i = 0; i < changed.length; i++) {
      Change.Accept it = accepts.get(i);
      boolean joined = it.log() == null || fresh[log++] == 0;
      if (changed[i] > 0) {
        written.add(it.run().id());
        if (it.lasting() && joined) {
          session.update(LASTING, it.run().log().id());
        }
      }
    }
    return written;
  }

  private static @Nullable Object[] row(Change.Accept accept, StoredLog log, long node) {
    StoredRun run = accept.run();
    IdempotencyEntry key = accept.key();
    return new @Nullable Object[] {
      run.id(),
      run.tenant(),
      run.about(),
      run.createdAt(),
      run.cutAt(),
      run.cutEnd(),
      run.cancelRequested() ? 1 : 0,
      orEmpty(accept.told().webhook()),
      orEmpty(accept.told().mail()),
      accept.api(),
      accept.lateAt(),
      key == null ? null : key.key(),
      key == null ? null : key.bodyHash(),
      log.id(),
      log.tenant(),
      log.upstream(),
      log.priority(),
      log.createdAt(),
      log.notBefore(),
      node,
      log.attempt(),
      log.lost(),
      accept.lasting() ? 1 : 0,
      log.status(),
      log.endedAt(),
      log.head(),
      log.terminal(),
      log.request()
    };
  }

  private void add(StoredLog log, boolean lasting) throws SQLException {
    session.batch(
        LOG,
        log.id(),
        log.tenant(),
        log.upstream(),
        log.priority(),
        log.createdAt(),
        log.notBefore(),
        node,
        log.attempt(),
        log.lost(),
        lasting ? 1 : 0,
        log.status(),
        log.endedAt(),
        log.head(),
        log.terminal());
    session.batch(REQUEST, log.request(), log.id());
  }

  private void add(Change.Accept it) throws SQLException {
    StoredRun run = it.run();
    IdempotencyEntry key = it.key();
    session.batch(
        RUN,
        run.id(),
        run.tenant(),
        run.about(),
        run.createdAt(),
        run.cutAt(),
        run.cutEnd(),
        run.cancelRequested() ? 1 : 0,
        orEmpty(it.told().webhook()),
        orEmpty(it.told().mail()),
        it.api(),
        it.lateAt(),
        key == null ? null : key.key(),
        key == null ? null : key.bodyHash(),
        run.log().id(),
        node);
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }

  private Outcome whyNot(Change.Accept accept) throws SQLException {
    String log = accept.run().log().id();
    boolean alone = accept.log() != null && session.exists(IS_ALONE, log, accept.log().createdAt());
    if (alone) {
      session.update(FORGET_REQUEST, log);
      session.update(FORGET_LOG, log);
    }
    if (session.exists(IS_STORED, accept.run().id())) {
      return new Outcome.Stored();
    }
    boolean open = alone || session.exists(IS_OPEN, log, node);
    IdempotencyEntry.@Nullable Held holder =
        open && accept.key() != null ? holder(session, accept.key().key()) : null;
    return holder == null ? new Outcome.Fenced() : new Outcome.Conflict(holder);
  }

  static IdempotencyEntry.@Nullable Held holder(Session session, byte[] key) throws SQLException {
    return session.first(
        HOLDER, row -> new IdempotencyEntry.Held(row.getString(1), row.getBytes(2)), key);
  }
}
