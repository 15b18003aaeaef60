package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Writes accepted runs: their logs, then the logs' requests, then the runs, each as a batch.
final class Accepts {
  private static final String LOG =
      "insert into log (id, tenant, upstream, priority, created_at, not_before, owner, attempt,"
          + " lost, status, ended_at, bytes, head, terminal)"
          + " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?) on conflict do nothing";
  private static final String REQUEST =
      "insert into request (log, body) select n, ? from log where id = ? on conflict do nothing";
  private static final String RUN =
      "insert into run (id, log, tenant, about, created_at, cut_at, cut_end, cancel_requested,"
          + " idempotency_key, body_hash) select ?, n, ?, ?, ?, ?, ?, ?, ?, ?"
          + " from log where id = ? and owner = ? and ended_at = 0 on conflict do nothing";
  private static final String IS_STORED = "select 1 from run where id = ?";
  static final String HOLDER = "select id, body_hash from run where idempotency_key = ?";
  private static final String FORGET_REQUEST =
      "delete from request where log = (select n from log where id = ?)"
          + " and not exists (select 1 from run where run.log = request.log)";
  private static final String FORGET_LOG =
      "delete from log where id = ? and not exists (select 1 from run where run.log = log.n)";

  private final Session session;
  private final long node;

  Accepts(Session session, long node) {
    this.session = session;
    this.node = node;
  }

  void write(List<Item.Written> items) throws SQLException {
    boolean logs = false;
    for (Item.Written item : items) {
      var it = (Change.Accept) item.change();
      if (it.log() != null) {
        add(it.log());
        logs = true;
      }
      add(it.run(), it.key());
    }
    if (logs) {
      session.runBatch(LOG);
      session.runBatch(REQUEST);
    }
    int[] changed = session.runBatch(RUN);
    for (int i = 0; i < changed.length; i++) {
      Item.Written item = items.get(i);
      item.outcome(changed[i] > 0 ? new Outcome.Stored() : whyNot((Change.Accept) item.change()));
    }
  }

  private void add(StoredLog log) throws SQLException {
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
        log.status(),
        log.endedAt(),
        log.head(),
        log.terminal());
    session.batch(REQUEST, log.request(), log.id());
  }

  private void add(StoredRun run, @Nullable IdempotencyEntry key) throws SQLException {
    session.batch(
        RUN,
        run.id(),
        run.tenant(),
        run.about(),
        run.createdAt(),
        run.cutAt(),
        run.cutEnd(),
        run.cancelRequested() ? 1 : 0,
        key == null ? null : key.key(),
        key == null ? null : key.bodyHash(),
        run.log().id(),
        node);
  }

  private Outcome whyNot(Change.Accept accept) throws SQLException {
    if (session.exists(IS_STORED, accept.run().id())) {
      return new Outcome.Stored();
    }
    IdempotencyEntry.@Nullable Held holder =
        accept.key() == null ? null : holder(session, accept.key().key());
    if (accept.log() != null) {
      session.update(FORGET_REQUEST, accept.log().id());
      session.update(FORGET_LOG, accept.log().id());
    }
    return holder == null ? new Outcome.Fenced() : new Outcome.Conflict(holder);
  }

  static IdempotencyEntry.@Nullable Held holder(Session session, byte[] key) throws SQLException {
    return session.first(
        HOLDER, row -> new IdempotencyEntry.Held(row.getString(1), row.getBytes(2)), key);
  }
}
