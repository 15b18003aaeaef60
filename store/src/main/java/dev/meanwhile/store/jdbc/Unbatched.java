package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Outcome;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Changes that are too rare to be batched.
final class Unbatched {
  private record Found(long log, long owner, boolean logEnded, boolean ended) {}

  private static final String FIND =
      "select l.n, l.owner, l.ended_at, r.cut_at from run r join log l on l.n = r.log where r.id = ?";
  private static final String CANCEL =
      "update run set cancel_requested = 1 where id = ? and cut_at = 0"
          + " and exists (select 1 from log where log.n = run.log and log.ended_at < 1)";
  private static final String CANCELLING =
      "insert into cancelling (run, log) values (?, ?) on conflict do nothing";
  private static final String RELEASE =
      "update log set owner = 0, status = 'queued' where id = ? and owner = ? and ended_at < 1";
  private static final String LOCK = "select 1 from log where n = ?";
  private static final String ERASE_RUN = "delete from run where id = ?";
  private static final String ERASE_CANCELLING = "delete from cancelling where run = ?";
  private static final String IS_READ = "select 1 from run where log = ? limit 1";

  private final Session session;
  private final Database database;
  private final long node;
  private final Answers answers;
  private boolean batchStopped;

  Unbatched(Session session, Database database, long node, Answers answers) {
    this.answers = answers;
    this.session = session;
    this.database = database;
    this.node = node;
  }

  private @Nullable Found find(String run) throws SQLException {
    return session.first(
        FIND,
        row ->
            new Found(
                row.getLong(1),
                row.getLong(2),
                row.getLong(3) > 0,
                row.getLong(3) > 0 || row.getLong(4) > 0),
        run);
  }

  /// @param cancelled gets the run if this node is to stop it
  Outcome cancel(String run, List<String> cancelled) throws SQLException {
    Found found = find(run);
    List<String> lines = Batches.taken(session, database, run);
    if (found == null || session.update(CANCEL, run) == 0) {
      return new Outcome.Fenced();
    }
    if (lines != null) {
      batchStopped = true;
      for (String line : lines) {
        cancel(line, cancelled);
      }
      return new Outcome.Stored();
    }
    if (found.owner == node) {
      cancelled.add(run);
    }
    if (database.shared()) {
      // Also if it is ours: its log may be another node's before anybody hears of it here.
      session.update(CANCELLING, run, found.log);
    }
    return new Outcome.Stored();
  }

  /// Whether a run was a batch that was to be stopped.
  boolean isBatchStopped() {
    return batchStopped;
  }

  Outcome release(List<String> logs) throws SQLException {
    for (String log : logs) {
      session.batch(RELEASE, log, node);
    }
    if (!logs.isEmpty()) {
      session.runBatch(RELEASE);
    }
    return new Outcome.Stored();
  }

  Outcome erase(String run) throws SQLException {
    Found found = find(run);
    if (found != null && !found.ended) {
      return new Outcome.Fenced();
    }
    if (answers.erase(run)) {
      database.erasing(session);
    }
    if (found == null) {
      return new Outcome.Stored();
    }
    session.query(
        LOCK + database.locked(), _ -> true, found.log); // two may erase its last two runs
    database.erasing(session);
    Channels.forget(session, run);
    session.update(ERASE_RUN, run);
    session.update(ERASE_CANCELLING, run);
    if (found.logEnded && !session.exists(IS_READ, found.log)) {
      Expiry.delete(session, List.of(found.log));
    }
    return new Outcome.Stored();
  }
}
