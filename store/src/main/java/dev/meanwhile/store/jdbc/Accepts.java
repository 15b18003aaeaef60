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
          + " webhook, idempotency_key, body_hash) select ?, n, ?, ?, ?, ?, ?, ?, ?, ?, ?"
          + " from log where id = ? and owner = ? and ended_at < 1 on conflict do nothing";
  private static final String IS_STORED = "select 1 from run where id = ?";
  private static final String IS_OPEN =
      "select 1 from log where id = ? and owner = ? and ended_at < 1";
  private static final String HOLDER = "select id, body_hash from run where idempotency_key = ?";
  private static final String FORGET_REQUEST =
      "delete from request where log = (select n from log where id = ?)";
  private static final String FORGET_LOG = "delete from log where id = ?";

  private final Session session;
  private final long node;

  Accepts(Session session, long node) {
    this.session = session;
    this.node = node;
  }

  /// @param items of different logs
  void write(List<Item.Written> items) throws SQLException {
    var withLog = new ArrayList<Change.Accept>();
    for (Item.Written item : items) {
      var it = (Change.Accept) item.change();
      if (it.log() != null) {
        add(it.log());
        withLog.add(it);
      }
      add(it.run(), it.key(), it.webhook());
    }
    Set<String> fresh = new HashSet<>();
    if (!withLog.isEmpty()) {
      int[] changed = session.runBatch(LOG);
      session.runBatch(REQUEST);
      for (int i = 0; i < changed.length; i++) {
        if (changed[i] > 0) {
          fresh.add(withLog.get(i).run().log().id());
        }
      }
    }
    int[] changed = session.runBatch(RUN);
    for (int i = 0; i < changed.length; i++) {
      Item.Written item = items.get(i);
      item.outcome(
          changed[i] > 0 ? new Outcome.Stored() : whyNot((Change.Accept) item.change(), fresh));
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

  private void add(StoredRun run, @Nullable IdempotencyEntry key, @Nullable String webhook)
      throws SQLException {
    session.batch(
        RUN,
        run.id(),
        run.tenant(),
        run.about(),
        run.createdAt(),
        run.cutAt(),
        run.cutEnd(),
        run.cancelRequested() ? 1 : 0,
        webhook == null ? "" : webhook,
        key == null ? null : key.key(),
        key == null ? null : key.bodyHash(),
        run.log().id(),
        node);
  }

  /// @param fresh the logs that were not there before
  private Outcome whyNot(Change.Accept accept, Set<String> fresh) throws SQLException {
    String log = accept.run().log().id();
    if (fresh.contains(log)) {
      session.update(FORGET_REQUEST, log);
      session.update(FORGET_LOG, log);
    }
    if (session.exists(IS_STORED, accept.run().id())) {
      return new Outcome.Stored();
    }
    boolean open = fresh.contains(log) || session.exists(IS_OPEN, log, node);
    IdempotencyEntry.@Nullable Held holder =
        open && accept.key() != null ? holder(session, accept.key().key()) : null;
    return holder == null ? new Outcome.Fenced() : new Outcome.Conflict(holder);
  }

  static IdempotencyEntry.@Nullable Held holder(Session session, byte[] key) throws SQLException {
    return session.first(
        HOLDER, row -> new IdempotencyEntry.Held(row.getString(1), row.getBytes(2)), key);
  }
}
