package dev.meanwhile.testkit;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredAnswer;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredLine;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A store in memory: one process's way to a [Disk], which outlives it and may have other
/// processes. It answers when its [Schedule] says so, in the order in which it was asked, and fails
/// as it says. For one thread.
///
/// What an engine must never ask for (a gap in a log's pieces, a jump of attempts) is an
/// [AssertionError].
public final class MemoryStore implements Store {
  private static final byte[] NOTHING = {};

  /// When a store does what it has to do, and what becomes of it.
  public interface Schedule {
    /// Runs a step of the store's, now or later, on no loop.
    void later(Runnable step);

    /// What becomes of the next commit.
    default Commit commit() {
      return Commit.DONE;
    }

    /// How many changes it is of, at most `waiting`.
    default int group(int waiting) {
      return waiting;
    }

    /// The database's clock, in milliseconds.
    default long millis() {
      return 0;
    }
  }

  /// What becomes of a commit.
  public enum Commit {
    DONE,
    /// Nothing was written, and that is known.
    FAILED,
    /// Nothing was written, but that is not known.
    UNKNOWN_FAILED,
    /// All was written, but that is not known.
    UNKNOWN_DONE
  }

  /// What is kept.
  public static final class Disk {
    private final Map<String, Log> logs = new LinkedHashMap<>();
    private final TreeMap<String, Row> runs = new TreeMap<>();
    private final Map<ByteBuffer, IdempotencyEntry.Held> keys = new HashMap<>();
    private final Map<String, byte[]> constants = new HashMap<>();
    private final List<MemoryStore> open = new ArrayList<>();
    private final Map<String, Integer> current = new HashMap<>();
    private final Set<Integer> fenced = new HashSet<>(Set.of(0));
    private final Board board = new Board();
    private final Index index = new Index();
    private final Answers answers = new Answers();
    private final Batches batches = new Batches(new Rows());
    private int epochs;
    private final Map<String, Integer> tally = new TreeMap<>();

    /// The ids of all runs.
    public List<String> runs() {
      return List.copyOf(runs.keySet());
    }

    /// What is kept of a run, or null.
    public @Nullable StoredRun run(String id) {
      return runs.values().stream()
          .filter(row -> row.first.id().equals(id) || !id.isEmpty() && row.log.name.equals(id))
          .findFirst()
          .map(row -> row.stored(true))
          .orElse(null);
    }

    /// An answer that is kept, or null.
    public @Nullable StoredAnswer answer(byte[] key, long now) {
      return answers.answer(key, now);
    }

    /// Every notice there is.
    public List<Notice> notices() {
      return board.notices();
    }

    /// @param by is told at once, before it is answered
    private void tellPurged(List<Purge> purges, MemoryStore by) {
      for (Purge purge : purges) {
        by.tell(it -> it.purged(List.of(purge), purge.number()));
        for (MemoryStore store : List.copyOf(open)) {
          store.later(() -> store.tell(it -> it.purged(List.of(purge), purge.number())));
        }
      }
    }

    private void tellDue(boolean any) {
      if (any) {
        for (MemoryStore store : List.copyOf(open)) {
          store.later(() -> store.tell(Listener::due));
        }
      }
    }

    private void touch(Collection<Row> rows) {
      for (Row row : rows) {
        Channel channel = index.touched(row.stored(false));
        if (channel != null) {
          for (MemoryStore store : List.copyOf(open)) {
            store.later(() -> store.tell(it -> it.changed(List.of(channel))));
          }
        }
      }
    }

    private void tellEnd(Row row, String status, long at) {
      if (batches.isLine(row.first.id())) {
        batches.ended(row.first.id(), status, at);
        return;
      }
      tellDue(board.ended(row.first.id(), row.by.api(), row.first.tenant(), status, at, row.by));
    }

    /// A batch as it stands, or null.
    public @Nullable StoredBatch batch(String run) {
      return batches.batch(run);
    }

    private void tellLines() {
      for (MemoryStore store : List.copyOf(open)) {
        store.later(() -> store.tell(Listener::lines));
      }
    }

    private final class Rows implements Batches.Rows {
      @Override
      public void keep(StoredRun run, int owner, Told told, @Nullable Label label, String api) {
        if (!runs.containsKey(run.id())) {
          add(new Change.Accept(run, run.log(), null, told, label, api, false), owner);
        }
      }

      @Override
      public @Nullable StoredRun run(String id) {
        return Disk.this.run(id);
      }

      private Row row(String run) {
        return Objects.requireNonNull(runs.get(run), run);
      }

      @Override
      public boolean isOwned(String run, int owner) {
        Row row = runs.get(run);
        return row != null && row.log.owner == owner && row.log.endedAt == 0;
      }

      @Override
      public void end(String run, String status, long at) {
        Row row = row(run);
        row.log.status = status;
        row.log.endedAt = at;
        tellEnd(row, status, at);
        touch(List.of(row));
      }

      @Override
      public Store.Claimed take(String run, int by) {
        return claim(row(run).log, by);
      }

      @Override
      public List<Piece> pieces(String log) {
        return Disk.this.pieces(log);
      }

      @Override
      public void forget(String run) {
        Row row = runs.remove(run);
        if (row != null) {
          logs.remove(row.log.first.id());
        }
      }

      @Override
      public void cancel(String run) {
        if (!row(run).isOver()) {
          Disk.this.cancel(row(run));
        }
      }
    }

    private Row add(Change.Accept accept, int owner) {
      StoredRun run = accept.run();
      Log log =
          accept.log() == null
              ? Objects.requireNonNull(logs.get(run.log().id()))
              : new Log(accept.log(), owner);
      logs.put(log.first.id(), log);
      var row = new Row(run, log, accept);
      runs.put(run.id(), row);
      log.rows.add(row);
      index.accepted(accept);
      touch(List.of(row));
      return row;
    }

    private Store.Claimed claim(Log log, int by) {
      count("claims" + (log.pieces.isEmpty() ? "" : " of what has content"));
      log.owner = by;
      log.lost += log.status.equals("in_progress") ? 1 : 0;
      log.status = "queued";
      touch(log.rows);
      StoredLog stored = log.stored(true);
      return new Store.Claimed(
          stored,
          log.rows.stream().filter(row -> row.cutAt == 0).map(row -> row.stored(stored)).toList());
    }

    private void cancel(Row row) {
      row.cancelRequested = true;
      if (batches.cancel(row.first.id())) {
        tellLines();
        return;
      }
      // Twice, as it may: whoever owns it by then.
      for (int i = 0; i < 2; i++) {
        for (MemoryStore store : List.copyOf(open)) {
          store.later(() -> {
            if (row.log.owner == store.epoch) {
              store.tell(it -> it.cancelRequested(row.first.id()));
            }
          });
        }
      }
    }

    /// What is kept of a log.
    public List<Piece> pieces(String log) {
      return List.copyOf(Objects.requireNonNull(logs.get(log)).pieces);
    }

    /// How many attempts of a log have begun, as far as is kept.
    public int attempts(String log) {
      return Objects.requireNonNull(logs.get(log)).attempt;
    }

    /// How many logs have not ended and are nobody's.
    public long unowned() {
      return logs.values().stream().filter(this::isClaimable).count();
    }

    /// How often what was done.
    public Map<String, Integer> tally() {
      return tally;
    }

    private void count(String what) {
      tally.merge(what, 1, Integer::sum);
    }

    private boolean isClaimable(Log log) {
      return log.endedAt == 0 && fenced.contains(log.owner);
    }

    /// An owner may write no more, and others may take its logs over.
    private void fence(int epoch) {
      fenced.add(epoch);
      batches.abandon(fenced::contains);
      tellLines();
      tellClaimable();
    }

    private void tellClaimable() {
      if (unowned() > 0) {
        for (MemoryStore store : List.copyOf(open)) {
          store.later(() -> store.tell(Listener::claimable));
        }
      }
    }
  }

  private static final class Log {
    final StoredLog first;
    final List<Piece> pieces = new ArrayList<>();
    final List<Row> rows = new ArrayList<>(1);
    int owner;
    int attempt;
    int lost;
    long notBefore;
    long endedAt;
    String status;
    String name = "";
    byte @Nullable [] head;
    byte @Nullable [] terminal;
    Change.@Nullable Ended ended;

    Log(StoredLog first, int owner) {
      this.first = first;
      this.owner = owner;
      this.attempt = first.attempt();
      this.lost = first.lost();
      this.notBefore = first.notBefore();
      this.status = first.status();
      this.head = first.head();
    }

    int end() {
      return pieces.isEmpty() ? 0 : pieces.getLast().end();
    }

    StoredLog stored(boolean withRequest) {
      return new StoredLog(
          first.id(),
          first.tenant(),
          first.upstream(),
          first.priority(),
          first.createdAt(),
          notBefore,
          attempt,
          lost,
          status,
          endedAt,
          end(),
          withRequest ? first.request() : NOTHING,
          head,
          terminal);
    }
  }

  private static final class Row {
    final StoredRun first;
    final Log log;
    long cutAt;
    int cutEnd;
    boolean cancelRequested;
    @Nullable ByteBuffer key;
    final Change.Accept by;

    Row(StoredRun first, Log log, Change.Accept by) {
      this.by = by;
      this.first = first;
      this.log = log;
    }

    boolean isOver() {
      return cutAt > 0 || log.endedAt > 0;
    }

    StoredRun stored(boolean withRequest) {
      return stored(log.stored(withRequest));
    }

    StoredRun stored(StoredLog now) {
      return new StoredRun(
          first.id(),
          now,
          first.tenant(),
          first.about(),
          first.createdAt(),
          cutAt,
          cutEnd,
          cancelRequested);
    }
  }

  /// A change that was given, or a claim.
  private static final class Given {
    final @Nullable Change change;
    final int epoch;
    final Consumer<Outcome> done;
    boolean mayBeWritten;

    /// What became of it, if that was not known when it was written.
    @Nullable Outcome outcome;

    Given(@Nullable Change change, int epoch, Consumer<Outcome> done) {
      this.change = change;
      this.epoch = epoch;
      this.done = done;
    }
  }

  private final Disk disk;
  private final String node;
  private final Schedule schedule;
  private final ArrayDeque<Given> given = new ArrayDeque<>();
  private final ArrayDeque<Runnable> answers = new ArrayDeque<>();
  private @Nullable Listener listener;
  private @Nullable String trouble;
  private boolean unreadable;
  private boolean deaf;
  private boolean committing;
  private boolean closed;
  private boolean dead;
  private int epoch;

  public MemoryStore(Disk disk, String node, Schedule schedule) {
    this.disk = disk;
    this.node = node;
    this.schedule = schedule;
  }

  @Override
  public void open(Listener its) {
    listener = its;
    disk.open.add(this);
    takeEpoch();
    its.purged(List.of(), disk.answers.last());
  }

  private void takeEpoch() {
    Integer before = disk.current.get(node);
    epoch = ++disk.epochs;
    disk.current.put(node, epoch);
    if (before != null) {
      disk.fence(before);
    }
  }

  /// The process is gone, and with it all that was not committed. Its logs are its own until its
  /// lease has run out ([#expire]) or it is opened again under its name.
  ///
  /// @param last how many more changes, at most, are committed in its last moment; nobody is told
  public void die(int last) {
    for (int left = trouble == null ? last : 0; left > 0 && !given.isEmpty(); left--) {
      apply(given.remove());
    }
    dead = true;
    given.clear();
    answers.clear();
    disk.open.remove(this);
  }

  /// Its lease has run out.
  public void expire() {
    disk.fence(epoch);
  }

  /// The process was out of touch for too long: others may go on with its logs. It learns that a
  /// little later, and still later it is in touch again.
  public void loseLease() {
    int lost = epoch;
    disk.fence(lost);
    later(() -> {
      if (epoch == lost) {
        tell(Listener::leaseLost);
        later(() -> {
          if (epoch == lost && !closed) {
            takeEpoch();
            tell(Listener::claimable);
          }
        });
      }
    });
  }

  /// From now on it cannot write, because of this; or null: it can again.
  public void trouble(@Nullable String now) {
    trouble = now;
    commitSoon();
  }

  /// Whether questions fail.
  public void unreadable(boolean now) {
    unreadable = now;
    if (!now) {
      later(() -> tell(Listener::claimable));
    }
  }

  /// Whether it hears nothing of what others purge.
  public void deaf(boolean now) {
    deaf = now;
  }

  @Override
  public boolean hears() {
    return !deaf;
  }

  @Override
  public @Nullable String trouble() {
    return closed ? "the store is closed" : isFenced() ? "the lease is lost" : trouble;
  }

  /// Whether it may not write any more.
  public boolean isFenced() {
    return disk.fenced.contains(epoch);
  }

  private void later(Runnable step) {
    schedule.later(() -> {
      if (!dead) {
        step.run();
      }
    });
  }

  private void tell(Consumer<Listener> what) {
    Listener told = listener;
    if (told != null && !dead && !closed) {
      what.accept(told);
    }
  }

  private void answer(Runnable answer) {
    answers.add(answer);
    // Each step gives the first: the order is kept, whichever step comes first.
    later(() -> answers.remove().run());
  }

  @Override
  public boolean shared() {
    return disk.current.size() > 1;
  }

  @Override
  public void write(Change change, Consumer<Outcome> done) {
    if (dead) {
      return;
    }
    if (closed) {
      answer(() -> done.accept(new Outcome.Refused("the store is closed")));
      return;
    }
    given.add(new Given(change, epoch, done));
    commitSoon();
  }

  private void commitSoon() {
    if (!committing && !given.isEmpty()) {
      committing = true;
      later(this::commit);
    }
  }

  private void commit() {
    committing = false;
    if (trouble != null) {
      // Changes wait until it is over; of an accept it is certain that it was not written.
      refuse(trouble);
      return;
    }
    if (given.isEmpty()) {
      return;
    }
    if (given.getFirst().change == null) {
      given.remove().done.accept(outcome(true));
      commitSoon();
      return;
    }
    List<Given> group =
        given.stream()
            .limit(Math.max(1, schedule.group(given.size())))
            .takeWhile(it -> it.change != null)
            .toList();
    switch (schedule.commit()) {
      case DONE -> {
        for (Given each : group) {
          given.remove();
          Outcome outcome = apply(each);
          answer(() -> each.done.accept(outcome));
        }
      }
      case FAILED -> refuse("the disk is full");
      case UNKNOWN_FAILED -> group.forEach(each -> each.mayBeWritten = true);
      case UNKNOWN_DONE -> {
        for (Given each : group) {
          each.mayBeWritten = true;
          each.outcome = apply(each);
        }
      }
    }
    commitSoon();
  }

  private void refuse(String reason) {
    for (Given each : List.copyOf(given)) {
      if (each.change != null && each.change.isRefusable() && !each.mayBeWritten) {
        given.remove(each);
        answer(() -> each.done.accept(new Outcome.Refused(reason)));
      }
    }
  }

  private static Outcome outcome(boolean stored) {
    return stored ? new Outcome.Stored() : new Outcome.Fenced();
  }

  private Outcome apply(Given each) {
    if (each.outcome != null) {
      return each.outcome;
    }
    return each.change == null ? outcome(true) : apply(each.change, each.epoch);
  }

  private Outcome apply(Change change, int by) {
    disk.count(change.getClass().getSimpleName());
    return switch (change) {
      case Change.Accept it -> accept(it, by);
      case Change.Started it -> outcome(started(it, by));
      case Change.Checkpoint it -> {
        Log log = owned(it.log(), it.attempt(), by);
        if (log != null) {
          append(log, it.piece());
          log.head = it.head() == null ? log.head : it.head();
        }
        yield outcome(log != null);
      }
      case Change.Named it -> {
        Log log = owned(it.log(), it.attempt(), by);
        if (log != null) {
          log.name = it.name();
        }
        yield outcome(log != null);
      }
      case Change.Requeued it -> {
        Log log = owned(it.log(), it.attempt(), by);
        if (log != null) {
          log.status = "queued";
          log.notBefore = it.notBefore();
          disk.touch(log.rows);
        }
        yield outcome(log != null);
      }
      case Change.Ended it -> outcome(ended(it, by));
      case Change.Cut it -> outcome(cut(it, by));
      case Change.CancelRequested(String run) -> outcome(cancel(run));
      case Change.Released(List<String> logs) -> {
        for (String id : logs) {
          Log log = owned(id, -1, by);
          if (log != null) {
            log.owner = 0;
            log.status = "queued";
            disk.touch(log.rows);
          }
        }
        disk.tellClaimable();
        yield outcome(true);
      }
      case Change.Lines it ->
          disk.fenced.contains(by) ? outcome(false) : disk.batches.lines(it, by);
      case Change.Submitted it -> {
        Outcome outcome = disk.fenced.contains(by) ? outcome(false) : disk.batches.submit(it, by);
        disk.tellLines();
        yield outcome;
      }
      case Change.Dropped(String batch) -> disk.batches.drop(batch);
      case Change.Erased(String run) -> outcome(erase(run));
      case Change.Registered(Endpoint endpoint) -> {
        disk.board.register(endpoint);
        yield outcome(true);
      }
      case Change.Unregistered(String endpoint) -> {
        disk.board.unregister(endpoint);
        yield outcome(true);
      }
      case Change.Disabled(String endpoint, String reason) -> {
        disk.board.disable(endpoint, reason);
        yield outcome(true);
      }
      case Change.Scheduled(Notice notice) -> {
        boolean known = disk.board.schedule(notice);
        disk.tellDue(known);
        yield outcome(known);
      }
      case Change.Tried(Notice notice, long claimed) -> outcome(disk.board.tried(notice, claimed));
      case Change.Kept(StoredAnswer answer) -> {
        disk.answers.keep(answer);
        yield outcome(true);
      }
      case Change.Purged(String what) -> {
        disk.tellPurged(List.of(disk.answers.purge(what)), this);
        yield outcome(true);
      }
    };
  }

  /// The log if this epoch may write it.
  private @Nullable Log owned(String id, int attempt, int by) {
    Log log = disk.logs.get(id);
    return log != null
            && log.owner == by
            && !disk.fenced.contains(by)
            && log.endedAt == 0
            && (attempt < 0 || log.attempt == attempt)
        ? log
        : null;
  }

  private Outcome accept(Change.Accept accept, int by) {
    StoredRun run = accept.run();
    if (disk.runs.containsKey(run.id())) {
      return new Outcome.Stored();
    }
    if (disk.fenced.contains(by)) {
      return new Outcome.Fenced();
    }
    ByteBuffer key = accept.key() == null ? null : ByteBuffer.wrap(accept.key().key());
    if (key != null && disk.keys.containsKey(key)) {
      return new Outcome.Conflict(Objects.requireNonNull(disk.keys.get(key)));
    }
    if (accept.log() == null && owned(run.log().id(), -1, by) == null) {
      return new Outcome.Fenced();
    }
    Row row = disk.add(accept, by);
    if (accept.key() != null && key != null) {
      row.key = key;
      disk.keys.put(key, new IdempotencyEntry.Held(run.id(), accept.key().bodyHash()));
    }
    return new Outcome.Stored();
  }

  private boolean started(Change.Started it, int by) {
    Log log = owned(it.log(), -1, by);
    if (log == null || it.attempt() < log.attempt) {
      return false;
    }
    if (it.attempt() > log.attempt + 1) {
      throw new AssertionError(it + " after attempt " + log.attempt);
    }
    log.attempt = it.attempt();
    log.status = "in_progress";
    disk.touch(log.rows);
    return true;
  }

  private void append(Log log, @Nullable Piece piece) {
    if (piece == null) {
      return;
    }
    List<Piece> pieces = log.pieces;
    if (piece.number() < pieces.size()) {
      Piece same = pieces.get(piece.number());
      if (same.end() != piece.end() || !Arrays.equals(same.bytes(), piece.bytes())) {
        throw new AssertionError("another piece " + piece.number() + " of " + log.first.id());
      }
    } else if (piece.number() > pieces.size() || piece.end() <= log.end()) {
      throw new AssertionError(
          "piece %d, to %d, after %d pieces, to %d, of %s"
              .formatted(piece.number(), piece.end(), pieces.size(), log.end(), log.first.id()));
    } else {
      disk.count("pieces" + (log.lost > 0 ? " of an attempt after a lost one" : ""));
      pieces.add(piece);
    }
  }

  private boolean ended(Change.Ended it, int by) {
    Log log = owned(it.log(), it.attempt(), by);
    if (log == null) {
      Log was = disk.logs.get(it.log());
      return was != null && it.equals(was.ended);
    }
    append(log, it.last());
    log.status = it.status();
    log.endedAt = it.at();
    log.head = it.head() == null ? log.head : it.head();
    log.terminal = it.terminal();
    log.ended = it;
    if (it.freesKeys()) {
      log.rows.forEach(this::freeKey);
    }
    for (Row row : log.rows) {
      if (row.cutAt == 0) {
        disk.tellEnd(row, it.status(), it.at());
      }
    }
    disk.touch(log.rows);
    return true;
  }

  private void freeKey(Row row) {
    if (row.key != null) {
      disk.keys.remove(row.key);
      row.key = null;
    }
  }

  private boolean cut(Change.Cut it, int by) {
    Row row = disk.runs.get(it.run());
    if (row != null && row.cutAt > 0) {
      return row.cutAt == it.at() && row.cutEnd == it.end();
    }
    if (owned(it.log(), it.attempt(), by) == null || row == null) {
      return false;
    }
    row.cutAt = it.at();
    row.cutEnd = it.end();
    freeKey(row);
    disk.tellEnd(row, "cancelled", it.at());
    disk.touch(List.of(row));
    return true;
  }

  private boolean cancel(String run) {
    Row row = disk.runs.get(run);
    if (row == null || row.isOver()) {
      return false;
    }
    disk.cancel(row);
    return true;
  }

  private boolean erase(String run) {
    Row row = disk.runs.get(run);
    if (row != null && !row.isOver()) {
      return false;
    }
    disk.tellPurged(disk.answers.erase(run), this);
    if (row == null) {
      return true;
    }
    freeKey(row);
    disk.index.forget(run);
    disk.batches.forget(run);
    disk.runs.remove(run);
    row.log.rows.remove(row);
    if (row.log.endedAt > 0 && row.log.rows.isEmpty()) {
      disk.logs.remove(row.log.first.id());
    }
    return true;
  }

  @Override
  public void claim(int most, Reply<List<Claimed>> reply) {
    inOrder(reply, () -> take(most));
  }

  /// In the order of the changes, as all that writes.
  private <T> void inOrder(Reply<T> reply, Supplier<T> task) {
    if (dead) {
      return;
    }
    given.add(
        new Given(
            null,
            epoch,
            _ -> {
              if (closed) {
                answer(() -> reply.failed("the store is closed"));
              } else {
                T done = task.get();
                answer(() -> reply.is(done));
              }
            }));
    commitSoon();
  }

  private List<Claimed> take(int most) {
    var claimed = new ArrayList<Claimed>();
    List<Log> logs =
        disk.logs.values().stream()
            .filter(disk::isClaimable)
            .sorted(
                Comparator.<Log>comparingInt(it -> it.first.priority())
                    .thenComparingLong(it -> it.first.createdAt()))
            .limit(isFenced() ? 0 : most)
            .toList();
    for (Log log : logs) {
      claimed.add(disk.claim(log, epoch));
    }
    return claimed;
  }

  @Override
  public void take(Map<String, Integer> rooms, long now, Reply<Taken> reply) {
    int asking = epoch;
    inOrder(
        reply,
        () ->
            isFenced() || epoch != asking
                ? new Taken(List.of(), Set.of(), 0)
                : disk.batches.take(rooms, now, epoch));
  }

  @Override
  public void batch(String run, Reply<@Nullable StoredBatch> reply) {
    this.<@Nullable StoredBatch>ask(() -> disk.batches.batch(run), reply);
  }

  @Override
  public void lines(
      String batch, int after, int most, boolean failed, Reply<List<StoredLine>> reply) {
    ask(() -> disk.batches.lines(batch, after, most, failed), reply);
  }

  @Override
  public void pieces(String log, int fromPiece, Reply<List<Piece>> reply) {
    ask(
        () -> {
          Log found = disk.logs.get(log);
          return found == null || fromPiece >= found.pieces.size()
              ? List.<Piece>of()
              : List.copyOf(found.pieces.subList(fromPiece, found.pieces.size()));
        },
        reply);
  }

  @Override
  public void find(String run, Reply<@Nullable StoredRun> reply) {
    this.<@Nullable StoredRun>ask(() -> disk.run(run), reply);
  }

  @Override
  public void findKey(byte[] key, Reply<IdempotencyEntry.@Nullable Held> reply) {
    this.<IdempotencyEntry.@Nullable Held>ask(() -> disk.keys.get(ByteBuffer.wrap(key)), reply);
  }

  @Override
  public void list(Query query, Reply<List<StoredRun>> reply) {
    ask(
        () ->
            disk.runs.descendingMap().values().stream()
                .map(row -> row.stored(false))
                .filter(run -> query.tenant() == null || query.tenant().equals(run.tenant()))
                .filter(run -> query.status() == null || query.status().equals(run.status()))
                .filter(run -> query.since() == null || query.since() <= run.createdAt())
                .filter(run -> query.before() == null || run.id().compareTo(query.before()) < 0)
                .limit(query.most())
                .toList(),
        reply);
  }

  @Override
  public void endpoints(String tenant, Reply<List<Endpoint>> reply) {
    ask(() -> disk.board.endpoints(tenant), reply);
  }

  @Override
  public void notices(
      String endpoint, @Nullable String before, int most, Reply<List<Notice>> reply) {
    ask(() -> disk.board.notices(endpoint, before, most), reply);
  }

  @Override
  public void due(
      Collection<String> busy,
      long now,
      long until,
      int most,
      int mostMails,
      Reply<List<Due>> reply) {
    ask(() -> disk.board.due(busy, now, until, most, mostMails), reply);
  }

  @Override
  public void entries(Channel channel, Entries.Mark after, int most, Reply<Entries> reply) {
    ask(() -> disk.index.entries(channel, after, most), reply);
  }

  @Override
  public void answer(byte[] key, long now, Reply<@Nullable StoredAnswer> reply) {
    disk.count("looks");
    this.<@Nullable StoredAnswer>ask(() -> disk.answers.answer(key, now), reply);
  }

  @Override
  public void lease(byte[] key, Duration time, Reply<Boolean> reply) {
    disk.count("leases");
    ask(() -> !shared() || disk.answers.lease(key, time, schedule.millis()), reply);
  }

  private <T extends @Nullable Object> void ask(Supplier<T> question, Reply<T> reply) {
    later(() -> {
      if (closed || unreadable) {
        later(() -> reply.failed("the database does not answer"));
      } else {
        T answer = question.get();
        later(() -> reply.is(answer));
      }
    });
  }

  @Override
  public byte[] constant(String name, Supplier<byte[]> initial) {
    return disk.constants.computeIfAbsent(name, _ -> initial.get());
  }

  @Override
  public void close() {
    if (closed || dead) {
      return;
    }
    closed = true;
    while (!given.isEmpty()) {
      Given each = given.remove();
      Outcome outcome = apply(each);
      answer(() -> each.done.accept(outcome));
    }
    disk.open.remove(this);
  }

  /// Whether all that was given is answered.
  public boolean isIdle() {
    return given.isEmpty() && answers.isEmpty();
  }
}
