package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Changes of a group that are written kind by kind, each kind as a batch: an accept before a
/// start, a start before a checkpoint, an end last. A change that would overtake an earlier one of
/// the same log begins a new wave, so that every log's changes are written in their order; so does
/// a second accept of one run or over one log, for the first may not be written.
///
/// The fence stands in the statements: `owner`, `attempt` and `ended_at` of the log. They say
/// `ended_at < 1` so that no database finds the log by the index of unfinished ones (`= 0`), which
/// is there for claims. A statement that changed no row is looked at once more: was it written
/// before, or was it fenced?
final class Wave {
  private static final String FENCE = " l.id = ? and l.owner = ? and l.ended_at < 1";

  private static final String START =
      "update log set attempt = ?, status = 'in_progress',"
          + " head = case when attempt < ? then null else head end"
          + " where id = ? and owner = ? and ended_at < 1 and attempt <= ?";
  private static final String NAME =
      "update log set name = ? where id = ? and owner = ? and ended_at < 1 and attempt = ?";
  private static final String PIECE =
      "insert into piece (n, attempt, upto, bytes) select l.n * 1048576 + ?, l.attempt, ?, ?"
          + " from log l where"
          + FENCE
          + " and l.attempt = ? on conflict do nothing";
  private static final String HAS_PIECE =
      "select 1 from log l join piece p on p.n = l.n * 1048576 + ? where"
          + FENCE
          + " and l.attempt = ?";
  private static final String HEAD =
      "update log set head = ? where id = ? and owner = ? and ended_at < 1 and attempt = ?";
  private static final String CUT =
      "update run set cut_at = ?, cut_end = ?, idempotency_key = null, body_hash = null"
          + " where id = ? and cut_at = 0 and log = (select l.n from log l where"
          + FENCE
          + " and l.attempt = ?)";
  private static final String WAS_CUT = "select 1 from run where id = ? and cut_at = ?";
  private static final String REQUEUE =
      "update log set status = 'queued', not_before = ?"
          + " where id = ? and owner = ? and ended_at < 1 and attempt = ?";
  private static final String WAS_ENDED =
      "select 1 from log where id = ? and owner = ? and attempt = ? and status = ?"
          + " and ended_at = ?";
  private static final String FREE_KEYS =
      "update run set idempotency_key = null, body_hash = null"
          + " where log = (select n from log where id = ?) and idempotency_key is not null";

  /// In the order in which they are written.
  private enum Kind {
    ACCEPT,
    START,
    NAME,
    CHECKPOINT,
    CUT,
    REQUEUE,
    END
  }

  private final Session session;
  private final long node;
  private final Unbatched unbatched;
  private final Accepts accepts;
  private final Batches batches;
  private final String end;
  private final Channels channels;
  private final Answers answers;
  private final Map<Kind, List<Item.Written>> kinds = new EnumMap<>(Kind.class);
  private final Map<String, Kind> last = new HashMap<>();
  private final Set<String> runs = new HashSet<>();
  private boolean freesKeys;
  private boolean due;
  private boolean lines;

  Wave(Session session, Database database, long node, Channels channels, Answers answers) {
    this.session = session;
    this.node = node;
    this.channels = channels;
    this.answers = answers;
    unbatched = new Unbatched(session, database, node, answers);
    accepts = new Accepts(session, database, node, channels);
    batches = new Batches(session, database, channels);
    end =
        "update log as l set status = ?, ended_at = ?, terminal = ?, head = coalesce(?, head),"
            + " bytes = "
            + database.size()
            + " where"
            + FENCE
            + " and l.attempt = ?";
  }

  /// Writes it, now or with the next flush.
  ///
  /// @param cancelled gets the runs that this node is to stop
  void add(Item.Written item, List<String> cancelled) throws SQLException {
    switch (item.change()) {
      case Change.Accept it -> {
        if ((it.key() != null && freesKeys) || runs.contains(it.run().id())) {
          flush();
        }
        add(item, it.run().log().id(), Kind.ACCEPT);
        runs.add(it.run().id());
      }
      case Change.Started it -> add(item, it.log(), Kind.START);
      case Change.Named it -> add(item, it.log(), Kind.NAME);
      case Change.Checkpoint it -> add(item, it.log(), Kind.CHECKPOINT);
      case Change.Cut it -> {
        add(item, it.log(), Kind.CUT);
        freesKeys = true;
      }
      case Change.Requeued it -> add(item, it.log(), Kind.REQUEUE);
      case Change.Ended it -> {
        add(item, it.log(), Kind.END);
        freesKeys |= it.freesKeys();
      }
      case Change.CancelRequested it -> {
        flush();
        item.outcome(unbatched.cancel(it.run(), cancelled));
        lines |= unbatched.isBatchStopped();
      }
      case Change.Released it -> {
        flush();
        item.outcome(unbatched.release(it.logs()));
        it.logs().forEach(channels::touched);
      }
      case Change.Erased it -> {
        flush();
        item.outcome(unbatched.erase(it.run()));
      }
      case Change.Lines it -> item.outcome(Batches.add(session, node, it));
      case Change.Submitted it -> {
        flush();
        item.outcome(batches.submit(node, it));
        lines = true;
      }
      case Change.Dropped it -> item.outcome(Batches.drop(session, it.batch()));
      case Change.Registered it -> {
        flush();
        item.outcome(Notices.register(session, it.endpoint()));
      }
      case Change.Unregistered it -> {
        flush();
        item.outcome(Notices.unregister(session, it.endpoint()));
      }
      case Change.Disabled it -> {
        flush();
        item.outcome(Notices.disable(session, it));
      }
      case Change.Scheduled it -> {
        flush();
        item.outcome(Notices.schedule(session, it.notice()));
        due = true;
      }
      case Change.Tried it -> item.outcome(Notices.tried(session, it.notice(), it.claimed()));
      case Change.Kept _ -> answers.keep(item);
      case Change.Purged it -> {
        answers.purge(it.what());
        item.outcome(new Outcome.Stored());
      }
    }
  }

  private void add(Item.Written item, String log, Kind kind) throws SQLException {
    Kind before = last.get(log);
    if (before != null && (before.compareTo(kind) > 0 || kind == Kind.ACCEPT)) {
      flush();
    }
    last.put(log, kind);
    kinds.computeIfAbsent(kind, _ -> new ArrayList<>()).add(item);
  }

  /// Whether somebody is to be told of something now.
  boolean due() {
    return due;
  }

  /// Whether there may be lines of batches to take now.
  boolean lines() {
    return lines;
  }

  /// Writes what has gathered.
  void flush() throws SQLException {
    for (Map.Entry<Kind, List<Item.Written>> batch : kinds.entrySet()) {
      List<Item.Written> items = batch.getValue();
      switch (batch.getKey()) {
        case ACCEPT -> accepts.write(items);
        case START -> start(items);
        case NAME -> name(items);
        case CHECKPOINT -> checkpoint(items);
        case CUT -> cut(items);
        case REQUEUE -> requeue(items);
        case END -> end(items);
      }
    }
    kinds.clear();
    last.clear();
    runs.clear();
    freesKeys = false;
  }

  private void start(List<Item.Written> items) throws SQLException {
    for (Item.Written item : items) {
      var it = (Change.Started) item.change();
      session.batch(START, it.attempt(), it.attempt(), it.log(), node, it.attempt());
    }
    int[] changed = session.runBatch(START);
    for (int i = 0; i < changed.length; i++) {
      items.get(i).outcome(changed[i] > 0 ? new Outcome.Stored() : new Outcome.Fenced());
      channels.touched(((Change.Started) items.get(i).change()).log());
    }
  }

  private void name(List<Item.Written> items) throws SQLException {
    for (Item.Written item : items) {
      var it = (Change.Named) item.change();
      session.batch(NAME, it.name(), it.log(), node, it.attempt());
    }
    int[] changed = session.runBatch(NAME);
    for (int i = 0; i < changed.length; i++) {
      items.get(i).outcome(changed[i] > 0 ? new Outcome.Stored() : new Outcome.Fenced());
    }
  }

  private void checkpoint(List<Item.Written> items) throws SQLException {
    boolean heads = false;
    for (Item.Written item : items) {
      var it = (Change.Checkpoint) item.change();
      addPiece(it.log(), it.attempt(), it.piece());
      if (it.head() != null) {
        session.batch(HEAD, it.head(), it.log(), node, it.attempt());
        heads = true;
      }
    }
    int[] changed = session.runBatch(PIECE);
    if (heads) {
      session.runBatch(HEAD);
    }
    for (int i = 0; i < changed.length; i++) {
      var it = (Change.Checkpoint) items.get(i).change();
      boolean stored =
          changed[i] > 0
              || session.exists(HAS_PIECE, it.piece().number(), it.log(), node, it.attempt());
      items.get(i).outcome(stored ? new Outcome.Stored() : new Outcome.Fenced());
    }
  }

  private void addPiece(String log, int attempt, Piece piece) throws SQLException {
    session.batch(PIECE, piece.number(), piece.end(), piece.bytes(), log, node, attempt);
  }

  private void cut(List<Item.Written> items) throws SQLException {
    for (Item.Written item : items) {
      var it = (Change.Cut) item.change();
      session.batch(CUT, it.at(), it.end(), it.run(), it.log(), node, it.attempt());
    }
    int[] changed = session.runBatch(CUT);
    boolean told = Notices.any(session);
    for (int i = 0; i < changed.length; i++) {
      var it = (Change.Cut) items.get(i).change();
      channels.touched(it.log());
      if (told && changed[i] > 0) {
        due |= Notices.cut(session, it.run(), it.at());
      }
      boolean stored = changed[i] > 0 || session.exists(WAS_CUT, it.run(), it.at());
      items.get(i).outcome(stored ? new Outcome.Stored() : new Outcome.Fenced());
    }
  }

  private void requeue(List<Item.Written> items) throws SQLException {
    for (Item.Written item : items) {
      var it = (Change.Requeued) item.change();
      session.batch(REQUEUE, it.notBefore(), it.log(), node, it.attempt());
    }
    int[] changed = session.runBatch(REQUEUE);
    for (int i = 0; i < changed.length; i++) {
      items.get(i).outcome(changed[i] > 0 ? new Outcome.Stored() : new Outcome.Fenced());
      channels.touched(((Change.Requeued) items.get(i).change()).log());
    }
  }

  private void end(List<Item.Written> items) throws SQLException {
    boolean pieces = false;
    boolean keys = false;
    for (Item.Written item : items) {
      var it = (Change.Ended) item.change();
      @Nullable Piece rest = it.last();
      if (rest != null) {
        addPiece(it.log(), it.attempt(), rest);
        pieces = true;
      }
      session.batch(
          end, it.status(), it.at(), it.terminal(), it.head(), it.log(), node, it.attempt());
    }
    if (pieces) {
      session.runBatch(PIECE);
    }
    int[] changed = session.runBatch(end);
    boolean told = Notices.any(session);
    boolean counted = Batches.anyOpen(session);
    long latest = 0;
    for (int i = 0; i < changed.length; i++) {
      var it = (Change.Ended) items.get(i).change();
      channels.touched(it.log());
      latest = Math.max(latest, it.at());
      boolean now = changed[i] > 0;
      boolean stored =
          now || session.exists(WAS_ENDED, it.log(), node, it.attempt(), it.status(), it.at());
      items.get(i).outcome(stored ? new Outcome.Stored() : new Outcome.Fenced());
      if (now && told) {
        due |= Notices.ended(session, it.log(), it.status(), it.at());
      }
      if (now && counted) {
        batches.ended(it.log(), it.status());
      }
      if (now && it.freesKeys()) {
        session.batch(FREE_KEYS, it.log());
        keys = true;
      }
    }
    if (keys) {
      session.runBatch(FREE_KEYS);
    }
    due |= batches.count(latest);
  }
}
