package dev.meanwhile.store.jdbc;

import static dev.meanwhile.store.jdbc.Given.bytes;
import static dev.meanwhile.store.jdbc.Given.number;
import static dev.meanwhile.store.jdbc.Given.text;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Writes accepted runs: their logs, then the logs' requests, then the runs, all of each at once.
final class Accepts {
  private static final Given.Insert LOG =
      Given.Insert.of(
          "log (id, tenant, upstream, priority, created_at, not_before, owner, attempt, lost,"
              + " status, ended_at, bytes, head, terminal)",
          "id",
          "g.id, g.tenant, g.upstream, g.priority, g.created_at, g.not_before, g.owner, g.attempt,"
              + " g.lost, g.status, g.ended_at, 0, g.head, g.terminal",
          " where true",
          text("id"),
          text("tenant"),
          text("upstream"),
          number("priority"),
          number("created_at"),
          number("not_before"),
          number("owner"),
          number("attempt"),
          number("lost"),
          text("status"),
          number("ended_at"),
          bytes("head"),
          bytes("terminal"));
  private static final Given.Insert REQUEST =
      Given.Insert.of(
          "request (log, body)",
          "log",
          "l.n, g.body",
          " join log l on l.id = g.id where true",
          text("id"),
          bytes("body"));
  private static final Given.Insert RUN =
      Given.Insert.of(
          "run (id, log, tenant, about, created_at, cut_at, cut_end, cancel_requested, webhook,"
              + " idempotency_key, body_hash)",
          "id",
          "g.id, l.n, g.tenant, g.about, g.created_at, g.cut_at, g.cut_end, g.cancel_requested,"
              + " g.webhook, g.idempotency_key, g.body_hash",
          " join log l on l.id = g.log and l.owner = g.owner and l.ended_at < 1 where true",
          text("id"),
          text("log"),
          number("owner"),
          text("tenant"),
          bytes("about"),
          number("created_at"),
          number("cut_at"),
          number("cut_end"),
          number("cancel_requested"),
          text("webhook"),
          bytes("idempotency_key"),
          bytes("body_hash"));
  private static final String IS_STORED = "select 1 from run where id = ?";
  private static final String IS_OPEN =
      "select 1 from log where id = ? and owner = ? and ended_at < 1";
  private static final String HOLDER = "select id, body_hash from run where idempotency_key = ?";
  private static final String FORGET_REQUEST =
      "delete from request where log = (select n from log where id = ?)";
  private static final String FORGET_LOG = "delete from log where id = ?";

  private final Session session;
  private final Database database;
  private final long node;

  Accepts(Session session, Database database, long node) {
    this.session = session;
    this.database = database;
    this.node = node;
  }

  /// @param items of different logs
  void write(List<Item.Written> items) throws SQLException {
    var logs = new Given(LOG);
    var requests = new Given(REQUEST);
    var runs = new Given(RUN);
    for (Item.Written item : items) {
      var it = (Change.Accept) item.change();
      if (it.log() != null) {
        add(it.log(), logs, requests);
      }
      add(it, runs);
    }
    Set<String> fresh = logs.insert(session, database);
    requests.insert(session, database);
    Set<String> accepted = runs.insert(session, database);
    for (Item.Written item : items) {
      var it = (Change.Accept) item.change();
      item.outcome(accepted.contains(it.run().id()) ? new Outcome.Stored() : whyNot(it, fresh));
    }
  }

  private void add(StoredLog log, Given logs, Given requests) {
    logs.add(
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
    requests.add(log.id(), log.request());
  }

  private void add(Change.Accept accept, Given runs) {
    StoredRun run = accept.run();
    IdempotencyEntry key = accept.key();
    runs.add(
        run.id(),
        run.log().id(),
        node,
        run.tenant(),
        run.about(),
        run.createdAt(),
        run.cutAt(),
        run.cutEnd(),
        run.cancelRequested() ? 1 : 0,
        accept.webhook() == null ? "" : accept.webhook(),
        key == null ? null : key.key(),
        key == null ? null : key.bodyHash());
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
