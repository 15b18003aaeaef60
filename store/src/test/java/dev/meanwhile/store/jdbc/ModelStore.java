package dev.meanwhile.store.jdbc;

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
import dev.meanwhile.testkit.Answers;
import dev.meanwhile.testkit.Batches;
import dev.meanwhile.testkit.Board;
import dev.meanwhile.testkit.Index;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What a store does, in its simplest form: maps. Its data outlives it, and may be opened again, as
/// after a crash. It answers through an executor, in order.
public final class ModelStore implements Store {
  /// What is kept.
  public static final class Data {
    private final Map<String, Log> logs = new HashMap<>();
    private final TreeMap<String, Kept> runs = new TreeMap<>();
    private final Map<String, byte[]> constants = new HashMap<>();
    private final Board board = new Board();
    private final Index index = new Index();
    private final Answers answers = new Answers();
    private int epoch;
    private @Nullable Batches batches;
  }

  private static final class Log {
    private StoredLog now;
    private int owner;
    private boolean lasting;
    private String name = "";
    private final TreeMap<Integer, Piece> pieces = new TreeMap<>();

    Log(StoredLog now, int owner) {
      this.now = now;
      this.owner = owner;
    }
  }

  private static final class Kept {
    private StoredRun now;
    private final Change.Accept by;
    private @Nullable IdempotencyEntry key;

    Kept(Change.Accept by) {
      this.now = by.run();
      this.key = by.key();
      this.by = by;
    }
  }

  private static final Outcome STORED = new Outcome.Stored();
  private static final Outcome FENCED = new Outcome.Fenced();

  private final Data data;
  private final Retention retention;
  private final Supplier<Long> millis;
  private final Executor answers;
  private @Nullable Listener listener;
  private int epoch;

  public ModelStore(Data data, Retention retention, Supplier<Long> millis, Executor answers) {
    this.data = data;
    this.retention = retention;
    this.millis = millis;
    this.answers = answers;
  }

  private Batches batches() {
    return Objects.requireNonNull(data.batches);
  }

  private final class Rows implements Batches.Rows {
    @Override
    public void keep(StoredRun run, int owner, Told told, @Nullable Label label, String api) {
      if (data.runs.containsKey(run.id())) {
        return;
      }
      data.logs.put(run.log().id(), new Log(run.log(), owner));
      var accept = new Change.Accept(run, run.log(), null, told, label, api, false);
      data.runs.put(run.id(), new Kept(accept));
      if (label != null) {
        data.index.accepted(accept);
        touch(run.log().id());
      }
    }

    private Kept kept(String run) {
      return Objects.requireNonNull(data.runs.get(run), run);
    }

    @Override
    public @Nullable StoredRun run(String id) {
      Kept kept = data.runs.get(id);
      return kept == null ? null : kept.now.over(seen(log(kept), false));
    }

    @Override
    public boolean isOwned(String run, int owner) {
      Kept kept = data.runs.get(run);
      return kept != null && log(kept).owner == owner && log(kept).now.endedAt() == 0;
    }

    @Override
    public void end(String run, String status, long at) {
      Log log = log(kept(run));
      StoredLog was = log.now;
      log.now = edit(was, was.attempt(), was.lost(), status, at, was.head(), null);
      tell(kept(run), status, at);
      touch(was.id());
    }

    @Override
    public Claimed take(String run, int by) {
      return ModelStore.this.take(log(kept(run)), by);
    }

    @Override
    public List<Piece> pieces(String log) {
      return List.copyOf(Objects.requireNonNull(data.logs.get(log)).pieces.values());
    }

    @Override
    public void forget(String run) {
      Kept kept = data.runs.remove(run);
      if (kept != null) {
        data.logs.remove(kept.now.log().id());
      }
    }

    @Override
    public void cancel(String run) {
      ModelStore.this.cancel(run);
    }
  }

  @Override
  public void open(Listener told) {
    epoch = ++data.epoch;
    listener = told;
    told.purged(List.of(), data.answers.last());
    if (data.batches == null) {
      data.batches = new Batches(new Rows());
    } else {
      data.batches.over(new Rows());
    }
  }

  @Override
  public @Nullable String trouble() {
    return listener == null ? "The store is not open." : null;
  }

  @Override
  public void write(Change change, Consumer<Outcome> done) {
    String trouble = trouble();
    Outcome outcome = trouble == null ? apply(change) : new Outcome.Refused(trouble);
    answers.execute(() -> done.accept(outcome));
  }

  private Outcome apply(Change change) {
    return switch (change) {
      case Change.Accept it -> accept(it);
      case Change.Started it -> start(it);
      case Change.Checkpoint it -> checkpoint(it);
      case Change.Named it -> {
        Log log = mine(it.log(), it.attempt());
        if (log != null) {
          log.name = it.name();
        }
        yield log == null ? FENCED : STORED;
      }
      case Change.Requeued it -> requeue(it);
      case Change.Ended it -> end(it);
      case Change.Cut it -> cut(it);
      case Change.CancelRequested it -> cancel(it.run());
      case Change.Released it -> release(it.logs());
      case Change.Lines it -> batches().lines(it, epoch);
      case Change.Submitted it -> {
        Outcome outcome = batches().submit(it, epoch);
        tellLines();
        yield outcome;
      }
      case Change.Dropped it -> batches().drop(it.batch());
      case Change.Erased it -> erase(it.run());
      case Change.Registered it -> {
        data.board.register(it.endpoint());
        yield STORED;
      }
      case Change.Unregistered it -> {
        data.board.unregister(it.endpoint());
        yield STORED;
      }
      case Change.Disabled it -> {
        data.board.disable(it.endpoint(), it.reason());
        yield STORED;
      }
      case Change.Scheduled it -> {
        boolean known = data.board.schedule(it.notice());
        tellDue(known);
        yield known ? STORED : FENCED;
      }
      case Change.Tried it -> data.board.tried(it.notice(), it.claimed()) ? STORED : FENCED;
      case Change.Kept it -> {
        data.answers.keep(it.answer());
        yield STORED;
      }
      case Change.Purged it -> {
        tellPurged(List.of(data.answers.purge(it.what())));
        yield STORED;
      }
    };
  }

  private void tellPurged(List<Purge> purges) {
    Listener told = listener;
    if (!purges.isEmpty() && told != null) {
      told.purged(purges, data.answers.last());
    }
  }

  @Override
  public void answer(byte[] key, long now, Reply<@Nullable StoredAnswer> reply) {
    StoredAnswer found = data.answers.answer(key, now);
    answers.execute(() -> reply.is(found));
  }

  @Override
  public void lease(byte[] key, Duration time, Reply<Boolean> reply) {
    answers.execute(() -> reply.is(true));
  }

  private void tellLines() {
    Listener told = listener;
    if (told != null) {
      answers.execute(told::lines);
    }
  }

  private void tellDue(boolean any) {
    Listener told = listener;
    if (any && told != null) {
      answers.execute(told::due);
    }
  }

  private void tell(Kept run, String status, long at) {
    if (batches().isLine(run.now.id())) {
      batches().ended(run.now.id(), status, at);
      return;
    }
    tellDue(data.board.ended(run.now.id(), run.by.api(), run.now.tenant(), status, at, run.by));
  }

  private Outcome accept(Change.Accept it) {
    if (data.runs.containsKey(it.run().id())) {
      return STORED;
    }
    String id = it.run().log().id();
    Log log = data.logs.get(id);
    boolean isNew = log == null && it.log() != null;
    if (!isNew && (log == null || !isMine(log))) {
      return FENCED;
    }
    if (it.key() != null) {
      Held holder = holder(it.key().key());
      if (holder != null) {
        return new Outcome.Conflict(holder.held);
      }
    }
    if (isNew && it.log() != null) {
      data.logs.put(id, new Log(it.log(), epoch));
    }
    data.runs.put(it.run().id(), new Kept(it));
    if (it.label() != null) {
      data.index.accepted(it);
      touch(id);
    }
    if (it.lasting()) {
      Objects.requireNonNull(data.logs.get(id)).lasting = true;
    }
    return STORED;
  }

  private void touch(String log) {
    for (Kept run : runsOf(log)) {
      Channel changed = data.index.touched(over(run));
      Listener told = listener;
      if (changed != null && told != null) {
        answers.execute(() -> told.changed(List.of(changed)));
      }
    }
  }

  private record Held(IdempotencyEntry.Held held) {}

  private @Nullable Held holder(byte[] key) {
    for (Kept run : data.runs.values()) {
      if (run.key != null && ByteBuffer.wrap(run.key.key()).equals(ByteBuffer.wrap(key))) {
        return new Held(new IdempotencyEntry.Held(run.now.id(), run.key.bodyHash()));
      }
    }
    return null;
  }

  private boolean isMine(Log log) {
    return log.owner == epoch && log.now.endedAt() == 0;
  }

  private @Nullable Log mine(String id, int attempt) {
    Log log = data.logs.get(id);
    return log != null && isMine(log) && log.now.attempt() == attempt ? log : null;
  }

  private Outcome start(Change.Started it) {
    Log log = data.logs.get(it.log());
    if (log == null || !isMine(log) || log.now.attempt() > it.attempt()) {
      return FENCED;
    }
    boolean same = log.now.attempt() == it.attempt();
    StoredLog was = log.now;
    log.now = edit(was, it.attempt(), was.lost(), "in_progress", 0, same ? was.head() : null, null);
    touch(it.log());
    return STORED;
  }

  private Outcome checkpoint(Change.Checkpoint it) {
    Log log = mine(it.log(), it.attempt());
    if (log == null) {
      return FENCED;
    }
    log.pieces.putIfAbsent(it.piece().number(), it.piece());
    if (it.head() != null) {
      StoredLog was = log.now;
      log.now = edit(was, was.attempt(), was.lost(), was.status(), 0, it.head(), null);
    }
    return STORED;
  }

  private Outcome requeue(Change.Requeued it) {
    Log log = mine(it.log(), it.attempt());
    if (log == null) {
      return FENCED;
    }
    StoredLog was = log.now;
    log.now =
        new StoredLog(
            was.id(),
            was.tenant(),
            was.upstream(),
            was.priority(),
            was.createdAt(),
            it.notBefore(),
            was.attempt(),
            was.lost(),
            "queued",
            0,
            0,
            was.request(),
            was.head(),
            null);
    touch(it.log());
    return STORED;
  }

  private Outcome end(Change.Ended it) {
    Log log = mine(it.log(), it.attempt());
    if (log == null) {
      Log ended = data.logs.get(it.log());
      boolean same =
          ended != null
              && ended.owner == epoch
              && ended.now.attempt() == it.attempt()
              && ended.now.status().equals(it.status())
              && ended.now.endedAt() == it.at();
      return same ? STORED : FENCED;
    }
    if (it.last() != null) {
      log.pieces.putIfAbsent(it.last().number(), it.last());
    }
    StoredLog was = log.now;
    byte[] head = it.head() == null ? was.head() : it.head();
    log.now = edit(was, was.attempt(), was.lost(), it.status(), it.at(), head, it.terminal());
    if (it.freesKeys()) {
      runsOf(it.log()).forEach(run -> run.key = null);
    }
    for (Kept run : runsOf(it.log())) {
      if (run.now.cutAt() == 0) {
        tell(run, it.status(), it.at());
      }
    }
    touch(it.log());
    return STORED;
  }

  private Outcome cut(Change.Cut it) {
    Kept run = data.runs.get(it.run());
    if (run != null && run.now.cutAt() > 0) {
      return run.now.cutAt() == it.at() ? STORED : FENCED;
    }
    Log log = mine(it.log(), it.attempt());
    if (run == null || log == null || !run.now.log().id().equals(it.log())) {
      return FENCED;
    }
    StoredRun was = run.now;
    run.key = null;
    run.now =
        new StoredRun(
            was.id(),
            was.log(),
            was.tenant(),
            was.about(),
            was.createdAt(),
            it.at(),
            it.end(),
            was.cancelRequested());
    tell(run, "cancelled", it.at());
    touch(it.log());
    return STORED;
  }

  private Outcome cancel(String id) {
    Kept run = data.runs.get(id);
    if (run == null || over(run).endedAt() > 0) {
      return FENCED;
    }
    StoredRun was = run.now;
    run.now =
        new StoredRun(was.id(), was.log(), was.tenant(), was.about(), was.createdAt(), 0, 0, true);
    if (batches().cancel(id)) {
      tellLines();
      return STORED;
    }
    Listener told = listener;
    if (told != null && log(run).owner == epoch) {
      answers.execute(() -> told.cancelRequested(id));
    }
    return STORED;
  }

  private Outcome release(List<String> logs) {
    for (String id : logs) {
      Log log = data.logs.get(id);
      if (log != null && isMine(log)) {
        StoredLog was = log.now;
        log.owner = 0;
        log.now = edit(was, was.attempt(), was.lost(), "queued", 0, was.head(), null);
        touch(id);
      }
    }
    return STORED;
  }

  private Outcome erase(String id) {
    Kept run = data.runs.get(id);
    if (run != null && over(run).endedAt() == 0) {
      return FENCED;
    }
    tellPurged(data.answers.erase(id));
    if (run == null) {
      return STORED;
    }
    data.index.forget(id);
    batches().forget(id);
    data.runs.remove(id);
    String log = run.now.log().id();
    if (log(run).now.endedAt() > 0 && runsOf(log).isEmpty()) {
      data.logs.remove(log);
    }
    return STORED;
  }

  private static StoredLog edit(
      StoredLog was,
      int attempt,
      int lost,
      String status,
      long endedAt,
      byte @Nullable [] head,
      byte @Nullable [] terminal) {
    return new StoredLog(
        was.id(),
        was.tenant(),
        was.upstream(),
        was.priority(),
        was.createdAt(),
        was.notBefore(),
        attempt,
        lost,
        status,
        endedAt,
        0,
        was.request(),
        head,
        terminal);
  }

  private List<Kept> runsOf(String log) {
    return data.runs.values().stream().filter(run -> run.now.log().id().equals(log)).toList();
  }

  private Log log(Kept run) {
    Log log = data.logs.get(run.now.log().id());
    if (log == null) {
      throw new IllegalStateException(run.now.id() + " has no log");
    }
    return log;
  }

  private StoredRun over(Kept run) {
    return run.now.over(seen(log(run), true));
  }

  private static StoredLog seen(Log log, boolean withRequest) {
    StoredLog it = log.now;
    return new StoredLog(
        it.id(),
        it.tenant(),
        it.upstream(),
        it.priority(),
        it.createdAt(),
        it.notBefore(),
        it.attempt(),
        it.lost(),
        it.status(),
        it.endedAt(),
        log.pieces.isEmpty() ? 0 : log.pieces.lastEntry().getValue().end(),
        withRequest ? it.request() : new byte[0],
        it.head(),
        it.terminal());
  }

  @Override
  public void claim(int most, Reply<List<Claimed>> reply) {
    List<Log> claimable =
        data.logs.values().stream()
            .filter(log -> log.now.endedAt() == 0 && log.owner != epoch && log.owner >= 0)
            .sorted(
                Comparator.comparingInt((Log log) -> log.now.priority())
                    .thenComparingLong(log -> log.now.createdAt()))
            .limit(most)
            .toList();
    var claimed = new ArrayList<Claimed>();
    for (Log log : claimable) {
      claimed.add(take(log, epoch));
    }
    answers.execute(() -> reply.is(claimed));
  }

  private Claimed take(Log log, int by) {
    StoredLog was = log.now;
    int lost = was.lost() + (was.status().equals("in_progress") ? 1 : 0);
    log.owner = by;
    log.now = edit(was, was.attempt(), lost, "queued", 0, was.head(), null);
    touch(was.id());
    StoredLog seen = seen(log, true);
    return new Claimed(
        seen,
        runsOf(was.id()).stream()
            .filter(run -> run.now.cutAt() == 0)
            .map(run -> run.now.over(seen))
            .toList());
  }

  @Override
  public void take(Map<String, Integer> rooms, long now, Reply<Taken> reply) {
    Taken taken = batches().take(rooms, now, epoch);
    answers.execute(() -> reply.is(taken));
  }

  @Override
  public void batch(String run, Reply<@Nullable StoredBatch> reply) {
    StoredBatch found = batches().batch(run);
    answers.execute(() -> reply.is(found));
  }

  @Override
  public void lines(
      String batch, int after, int most, boolean failed, Reply<List<StoredLine>> reply) {
    List<StoredLine> found = batches().lines(batch, after, most, failed);
    answers.execute(() -> reply.is(found));
  }

  @Override
  public void pieces(String id, int fromPiece, Reply<List<Piece>> reply) {
    Log log = data.logs.get(id);
    List<Piece> pieces =
        log == null ? List.of() : List.copyOf(log.pieces.tailMap(fromPiece).values());
    answers.execute(() -> reply.is(pieces));
  }

  @Override
  public void find(String id, Reply<@Nullable StoredRun> reply) {
    Kept run =
        data.runs.values().stream()
            .filter(it ->
                it.now.id().equals(id)
                    || !id.isEmpty()
                        && Objects.requireNonNull(data.logs.get(it.now.log().id())).name.equals(id))
            .min(Comparator.comparing(it -> it.now.id()))
            .orElse(null);
    StoredRun found = run == null ? null : over(run);
    answers.execute(() -> reply.is(found));
  }

  @Override
  public void findKey(byte[] key, Reply<IdempotencyEntry.@Nullable Held> reply) {
    Held holder = holder(key);
    answers.execute(() -> reply.is(holder == null ? null : holder.held));
  }

  @Override
  public void list(Query query, Reply<List<StoredRun>> reply) {
    List<StoredRun> found =
        data.runs.descendingMap().values().stream()
            .map(run -> run.now.over(seen(log(run), false)))
            .filter(run -> query.tenant() == null || query.tenant().equals(run.tenant()))
            .filter(run -> query.status() == null || query.status().equals(run.status()))
            .filter(run -> query.since() == null || run.createdAt() >= query.since())
            .filter(run -> query.before() == null || run.id().compareTo(query.before()) < 0)
            .limit(query.most())
            .toList();
    answers.execute(() -> reply.is(found));
  }

  @Override
  public void endpoints(String tenant, Reply<List<Endpoint>> reply) {
    List<Endpoint> found = data.board.endpoints(tenant);
    answers.execute(() -> reply.is(found));
  }

  @Override
  public void notices(
      String endpoint, @Nullable String before, int most, Reply<List<Notice>> reply) {
    List<Notice> found = data.board.notices(endpoint, before, most);
    answers.execute(() -> reply.is(found));
  }

  @Override
  public void due(
      Collection<String> busy,
      long now,
      long until,
      int most,
      int mostMails,
      Reply<List<Due>> reply) {
    List<Due> due = data.board.due(busy, now, until, most, mostMails);
    answers.execute(() -> reply.is(due));
  }

  @Override
  public void entries(Channel channel, Entries.Mark after, int most, Reply<Entries> reply) {
    Entries found = data.index.entries(channel, after, most);
    answers.execute(() -> reply.is(found));
  }

  @Override
  public byte[] constant(String name, Supplier<byte[]> initial) {
    return data.constants.computeIfAbsent(name, _ -> initial.get());
  }

  /// Deletes what need not be kept, by age alone.
  public void retain() {
    long before = millis.get() - retention.age().toMillis();
    long lasting = millis.get() - retention.lasting().toMillis();
    batches().abandon(reader -> reader != epoch);
    for (Log log : List.copyOf(data.logs.values())) {
      if (log.now.endedAt() > 0 && log.now.endedAt() < before) {
        runsOf(log.now.id()).forEach(run -> batches().forget(run.now.id()));
      }
    }
    data.logs
        .values()
        .removeIf(log ->
            log.now.endedAt() > 0
                && !isLine(log.now.id())
                && log.now.endedAt() < (log.lasting ? lasting : before));
    data.runs.values().removeIf(run -> !data.logs.containsKey(run.now.log().id()));
    data.index.runs().stream()
        .filter(run -> !data.runs.containsKey(run))
        .forEach(data.index::forget);
    data.board.forget(before, millis.get());
    data.answers.forget(millis.get());
  }

  /// Lines are kept as long as their batch.
  private boolean isLine(String log) {
    return runsOf(log).stream().anyMatch(run -> batches().isLine(run.now.id()));
  }

  @Override
  public void close() {
    listener = null;
  }
}
