package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.cache.Cache;
import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.Freshness;
import dev.meanwhile.cache.Hit;
import dev.meanwhile.cache.Kept;
import dev.meanwhile.cache.KeptAnswer;
import dev.meanwhile.cache.Key;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredLine;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.upstream.Upstream;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Accepts calls on one loop: finds a log that is being written and can serve, or begins one.
public final class Dispatcher {
  /// Something is to be promised, and there is no store to keep promises in.
  public static final Failure NO_STORE =
      new Failure(503, "no_store", "This server keeps nothing: start it with --data DIR.");

  /// What an upstream answers where the request itself is at fault: again the same to the same.
  private static final Set<Integer> REFUSALS = Set.of(400, 404, 413, 422);

  /// How many runs that are to be stopped and are not met are remembered.
  private static final int MOST_UNMET = 10_000;

  private static final Answer NOBODY =
      new Answer() {
        @Override
        public void accepted(Run run) {}

        @Override
        public void refused(Failure failure) {}
      };

  /// What loops share.
  ///
  /// @param runs every run that is kept in memory, by its id
  /// @param names the same by the ids that upstreams have for their answers
  /// @param open how many runs that somebody waits for have not ended
  /// @param coalesce logs in flight by their keys
  /// @param supersede runs that a newer call takes the place of
  /// @param cache closed logs by theirs
  /// @param shelf where they outlive this process, or null
  /// @param queues where background work waits, by the upstream's name
  /// @param store where promised runs are kept, or null if nothing can be promised
  /// @param journal is told of every run
  /// @param dice gives random numbers, 0 to below 1
  /// @param losses how often this node lost its lease on what is in the store
  /// @param unmet runs that are to be stopped and that no loop has met yet: they are on their way
  ///   from the store
  /// @param parked runs in line of which the store has all and memory only their place, by their
  ///   ids
  public record Shared(
      ConcurrentHashMap<String, Run> runs,
      ConcurrentHashMap<String, Run> names,
      AtomicInteger open,
      Coalesce coalesce,
      Supersede supersede,
      Cache cache,
      @Nullable Shelf shelf,
      Function<String, Queue> queues,
      @Nullable Store store,
      Journal journal,
      DoubleSupplier dice,
      AtomicInteger losses,
      Set<String> unmet,
      ConcurrentHashMap<String, Parked> parked) {
    /// Brings a run that waits in the store into memory, which a loop then meets; on any thread.
    public void fetch(String run) {
      Parked it = parked.get(run);
      if (it != null) {
        it.fetch(() -> {});
      }
    }

    /// Stops the run of this id, cancelled as `how` says, wherever in this process it is; on any
    /// thread. One that is on its way from the store to a loop is just cancelled.
    public void cancel(String id, Terminal how) {
      Run run = runs.get(id);
      if (run == null) {
        // It is on its way from the store to a loop, or comes between these lines.
        if (unmet.size() >= MOST_UNMET) {
          // Those that never came are elsewhere by now.
          unmet.clear();
        }
        unmet.add(id);
        fetch(id);
        run = runs.get(id);
      }
      if (run != null) {
        unmet.remove(id);
        run.cancel(how);
      }
    }
  }

  /// The limits of one loop.
  ///
  /// @param maxRun the most bytes of one log
  /// @param maxOpen the most runs, over all loops, that somebody waits for
  /// @param keep how long a log is kept in memory after its end
  /// @param keepBytes about how many bytes of ended logs this loop keeps in memory
  /// @param deadline how long a promised run is tried when its caller has not said
  public record Limits(int maxRun, int maxOpen, Duration keep, long keepBytes, Duration deadline) {}

  private final Clock clock;
  private final Shared shared;
  private final Limits limits;
  private final Upstream upstream;
  private final RunIds ids = new RunIds();
  private final Keep keep;
  private final Deflated deflated = new Deflated();
  private final Set<Call> open = new LinkedHashSet<>();
  private final Map<Call, Prefetched> prefetched = new HashMap<>();
  private final @Nullable Promises promises;
  private boolean stopping;

  /// Why all ends, once it does.
  private @Nullable Failure ending;

  @SuppressWarnings("this-escape") // nothing is called before this is whole
  public Dispatcher(Clock clock, Upstream upstream, Shared shared, Limits limits) {
    this.clock = clock;
    this.upstream = upstream;
    this.shared = shared;
    this.limits = limits;
    this.keep = new Keep(clock, limits.keep(), limits.keepBytes(), this::forget);
    this.promises =
        shared.store() == null
            ? null
            : new Promises(this, clock, shared.store(), ids, limits.deadline(), deflated);
  }

  private final Call.Owner owner =
      new Call.Owner() {
        @Override
        public Queue.Ticket ticket(Queue.Turn turn) {
          return queue(turn.upstream()).ticket(turn, clock);
        }

        @Override
        public void named(Call call, String id) {
          // The latest run comes first: the one that stays is the first.
          call.forEachRun(run -> shared.names().put(id, run));
        }

        @Override
        public void closing(Call call, Terminal terminal) {
          Dispatcher.this.closing(call, terminal);
        }

        @Override
        public void closed(Call call) {
          keep.ended(call);
          Prefetched told = prefetched.remove(call);
          if (told != null) {
            told.ended(call.log(), call.took());
          }
          KeptAnswer answer = call.takeAnswer();
          Shelf shelf = shared.shelf();
          if (answer != null && shelf != null) {
            shelf.keep(answer, deflated);
          }
        }

        @Override
        public void keep(Call call, Run run, Consumer<@Nullable String> answer) {
          if (promises == null) {
            answer.accept("this server keeps nothing: start it with --data");
          } else {
            promises.keep(call, run, answer);
          }
        }

        @Override
        public double dice() {
          return shared.dice().getAsDouble();
        }

        @Override
        public void ended(Run run, boolean counted, long firstContent, long total) {
          Dispatcher.this.ended(run, counted, firstContent, total);
        }
      };

  /// Takes one call. `answer` is told on this loop, at once or later: a run, or why there is none.
  /// Only on this loop.
  public void accept(Submission submission, Answer answer) {
    if (stopping) {
      refuse(answer);
      return;
    }
    if (isGiven(hit(submission), submission, answer)) {
      return;
    }
    // Of now: what is purged while the shelf is looked at was asked before that.
    long stamp = shared.cache().stamp();
    Caching caching = submission.caching();
    Shelf shelf = shared.shelf();
    if (shelf == null || caching == null || !mayBeShelved(shelf, submission, caching)) {
      make(submission, answer, stamp);
      return;
    }
    shelf.look(
        caching.key(),
        clock,
        found -> {
          if (stopping) {
            refuse(answer);
          } else if (!isGiven(hit(submission, caching, found), submission, answer)) {
            make(submission, answer, stamp);
          }
        });
  }

  /// Whether a kept answer would do that is not in memory, or not as new as there.
  private boolean mayBeShelved(Shelf shelf, Submission submission, Caching caching) {
    return caching.reads()
        && !submission.isNamed()
        && (shelf.isShared() || !shared.cache().has(caching.key()))
        && shared.coalesce().find(submission) == null;
  }

  /// No kept answer will do.
  private void make(Submission submission, Answer answer, long stamp) {
    if (submission.caching() != null && submission.caching().only()) {
      answer.refused(
          new Failure(
              504,
              "not_cached",
              "There is no kept answer, and Cache-Control: only-if-cached allows no other."));
      return;
    }
    Submission.Promise promise = submission.promise();
    if (promise != null && promise.background()) {
      if (promises == null) {
        answer.refused(NO_STORE);
      } else {
        promises.accept(submission, promise, answer, filling(submission, stamp));
      }
      return;
    }
    if (shared.open().incrementAndGet() > limits.maxOpen()) {
      shared.open().decrementAndGet();
      answer.refused(
          new Failure(
              503,
              "too_many_runs",
              "%,d runs are open, the most this server takes. Try again in a moment, or raise max-runs."
                  .formatted(limits.maxOpen())));
      return;
    }
    // What has a name is found by that, in the store.
    boolean named = promise != null && promise.key() != null && promises != null;
    Call found = named ? null : shared.coalesce().find(submission);
    if (found == null) {
      beginAnew(submission, answer, stamp);
    } else {
      attach(found, submission, answer, stamp);
    }
  }

  /// Answers with what was found, if that will do.
  private boolean isGiven(@Nullable Hit hit, Submission submission, Answer answer) {
    if (hit == null || hit.use() == Hit.Use.SPARE) {
      return false;
    }
    superseding(submission, null);
    answer.found(over(hit, submission), hit);
    if (hit.use() == Hit.Use.REVALIDATE) {
      refresh(submission.forCache());
    }
    return true;
  }

  private @Nullable Hit hit(Submission submission) {
    return submission.caching() == null || submission.isNamed()
        ? null
        : shared.cache().find(submission.caching(), submission.wantsUsage(), clock.millis());
  }

  /// @param found outside of memory, or null
  private @Nullable Hit hit(Submission submission, Caching caching, @Nullable KeptAnswer found) {
    return found == null
        ? hit(submission)
        : shared.cache().use(found, caching, submission.wantsUsage(), clock.millis());
  }

  private Run over(Hit hit, Submission submission) {
    return Kept.run(hit.run(), submission.about().attaching(), clock.millis(), hit.log());
  }

  /// Tells `answer` of a kept answer to this call that may be given in the place of a failure, or
  /// of one that is late. Only on this loop.
  ///
  /// @return false if there is none
  public boolean spare(Submission submission, Answer answer) {
    Hit hit = hit(submission);
    if (hit != null) {
      answer.found(over(hit, submission), hit);
    }
    return hit != null;
  }

  /// Has a call made for the cache, unless one is under way.
  private void refresh(Submission submission) {
    if (shared.coalesce().find(submission) != null) {
      return;
    }
    long stamp = shared.cache().stamp();
    Caching caching = submission.caching();
    Shelf shelf = shared.shelf();
    if (shelf == null || caching == null) {
      makeAnew(submission, stamp);
    } else {
      shelf.refresh(caching.key(), clock, () -> makeAnew(submission, stamp));
    }
  }

  private void makeAnew(Submission submission, long stamp) {
    if (shared.coalesce().find(submission) == null) {
      if (shared.open().incrementAndGet() > limits.maxOpen()) {
        shared.open().decrementAndGet();
      } else {
        begin(submission, NOBODY, stamp);
      }
    }
  }

  /// Makes an answer that nobody has asked for yet, by spare capacity alone, unless one is kept
  /// that will do. It waits and is tried again for as long as its answer would be fresh; whoever
  /// asks the same joins it, and it waits no more. Of nodes that share answers one makes it. Only
  /// on this loop.
  ///
  /// @return whether an answer is on its way
  public boolean prefetch(Submission submission, Prefetched told) {
    if (stopping || isFresh(hit(submission))) {
      told.unmade();
      return false;
    }
    Submission alone = submission.forCache();
    if (shared.coalesce().find(alone) != null) {
      told.unmade();
      return true;
    }
    long stamp = shared.cache().stamp();
    Caching caching = Objects.requireNonNull(submission.caching(), "what it is kept by");
    Shelf shelf = shared.shelf();
    if (shelf == null) {
      makeAhead(alone, caching, told, stamp);
      return true;
    }
    shelf.look(
        caching.key(),
        clock,
        found -> {
          if (isFresh(hit(submission, caching, found))) {
            told.unmade();
          } else {
            shelf.lease(
                caching.key(),
                clock,
                mine -> {
                  if (mine) {
                    makeAhead(alone, caching, told, stamp);
                  } else {
                    told.unmade();
                  }
                });
          }
        });
    return true;
  }

  private static boolean isFresh(@Nullable Hit hit) {
    return hit != null && hit.use() == Hit.Use.FRESH;
  }

  private void makeAhead(Submission alone, Caching caching, Prefetched told, long stamp) {
    Duration fresh = caching.freshness().maxAge();
    Duration patience = fresh.compareTo(limits.deadline()) < 0 ? fresh : limits.deadline();
    Call call = call(alone, new Retry(clock.nanos() + patience.toNanos()), stamp);
    if (stopping || shared.coalesce().register(call, alone) != call) {
      told.unmade();
      return;
    }
    open.add(call);
    prefetched.put(call, told);
    join(call, alone, alone.about(), ids.next(clock.millis()), false);
    call.begin();
  }

  private void beginAnew(Submission submission, Answer answer, long stamp) {
    Submission.Promise promise = submission.promise();
    if (promise != null && promises != null) {
      promises.accept(submission, promise, answer, filling(submission, stamp));
    } else {
      begin(submission, answer, stamp);
    }
  }

  private static void refuse(Answer answer) {
    answer.refused(
        new Failure(
            503, "shutting_down", "This server is stopping. Try again: another will answer."));
  }

  /// Goes on with a log that this node has taken over. On any thread.
  ///
  /// @param lease how often the node had lost its lease when it asked for the log
  public void recover(Store.Claimed claimed, int lease) {
    clock.execute(() -> promises().recover(claimed, lease));
  }

  /// How often this node has lost its lease.
  int lease() {
    return shared.losses().get();
  }

  /// Whether it has not done so again.
  boolean holds(int lease) {
    return lease == lease();
  }

  /// Looks for a run by its id or the upstream's, in memory and then in the store; `found` is told
  /// on this loop, at once or later: the run, or null if `tenant` has none of this id. Only on this
  /// loop.
  public void find(String id, String tenant, Store.Reply<@Nullable Run> found) {
    Parked parked = shared.parked().get(id);
    if (parked != null && parked.isOf(tenant)) {
      parked.fetch(() -> clock.execute(() -> look(id, tenant, found)));
    } else {
      look(id, tenant, found);
    }
  }

  /// The same, on any thread.
  public void findFromAnywhere(String id, String tenant, Store.Reply<@Nullable Run> found) {
    clock.execute(() -> find(id, tenant, found));
  }

  private void look(String id, String tenant, Store.Reply<@Nullable Run> found) {
    Run known = shared.runs().get(id);
    Run run = known == null ? shared.names().get(id) : known;
    if (run != null || shared.store() == null) {
      found.is(run != null && run.about().tenant().equals(tenant) ? run : null);
    } else {
      Elsewhere.find(shared.store(), clock, () -> ending != null, id, tenant, found);
    }
  }

  /// Lists kept runs, newest first; `found` is told on this loop.
  public void list(Store.Query query, Store.Reply<List<Listed>> found) {
    if (shared.store() == null) {
      found.is(List.of());
      return;
    }
    shared
        .store()
        .list(
            query,
            new Store.Reply<>() {
              @Override
              public void is(List<StoredRun> runs) {
                clock.execute(() -> found.is(runs.stream().map(Listed::of).toList()));
              }

              @Override
              public void failed(String trouble) {
                clock.execute(() -> found.failed(trouble));
              }
            });
  }

  /// A batch that is to be read, or null if nothing is kept here. Only on this loop.
  public @Nullable Batch batch() {
    Store store = shared.store();
    long now = clock.millis();
    return store == null ? null : new Batch(store, clock, ids.next(now), now);
  }

  /// How far a batch is, by the id of its run; null if `tenant` has none of this id. `found` is
  /// told on this loop.
  public void progress(String batch, String tenant, Store.Reply<@Nullable Progress> found) {
    if (shared.store() == null) {
      found.is(null);
      return;
    }
    shared
        .store()
        .batch(
            batch,
            new Store.Reply<@Nullable StoredBatch>() {
              @Override
              public void is(@Nullable StoredBatch stored) {
                clock.execute(() ->
                    found.is(
                        stored == null || !stored.run().tenant().equals(tenant)
                            ? null
                            : Progress.of(stored)));
              }

              @Override
              public void failed(String trouble) {
                clock.execute(() -> found.failed(trouble));
              }
            });
  }

  /// Lines of a batch as they stand, in their order; `found` is told on this loop.
  ///
  /// @param batch the id of a run of whose batch [#progress] has told
  /// @param after only lines with a higher number
  /// @param most how many at most; there are fewer if they are large, at least one
  /// @param failed whether only those without an answer
  public void lines(
      String batch, int after, int most, boolean failed, Store.Reply<List<Line>> found) {
    Store store = Objects.requireNonNull(shared.store());
    store.lines(
        batch,
        after,
        most,
        failed,
        new Store.Reply<>() {
          @Override
          public void is(List<StoredLine> stored) {
            clock.execute(() -> found.is(stored.stream().map(it -> line(store, it)).toList()));
          }

          @Override
          public void failed(String trouble) {
            clock.execute(() -> found.failed(trouble));
          }
        });
  }

  private Line line(Store store, StoredLine stored) {
    StoredRun run = stored.run();
    return new Line(
        stored.number(),
        stored.id(),
        run == null ? null : Elsewhere.of(store, clock, run, stored.pieces()));
  }

  /// Has a batch stopped, or a run that may not be in memory; `done` is told on this loop, before
  /// it has ended.
  public void stop(String run, Consumer<Outcome> done) {
    Objects.requireNonNull(shared.store())
        .write(
            new Change.CancelRequested(run), outcome -> clock.execute(() -> done.accept(outcome)));
  }

  /// Erases an ended run; `done` is told on this loop.
  public void erase(Run run, Consumer<Outcome> done) {
    shared.runs().remove(run.id(), run);
    shared.names().values().remove(run);
    shared.cache().forget(run.id());
    Consumer<Outcome> here = outcome -> clock.execute(() -> done.accept(outcome));
    Shelf shelf = shared.shelf();
    Store store = shared.store();
    if (shelf == null) {
      done.accept(new Outcome.Stored());
    } else if (store == null || shelf.isOf(store)) {
      shelf.erase(run.id(), here);
    } else {
      shelf.erase(
          run.id(),
          outcome -> {
            if (outcome instanceof Outcome.Stored) {
              store.write(new Change.Erased(run.id()), here);
            } else {
              here.accept(outcome);
            }
          });
    }
  }

  /// A new id: the prefix, of 4 letters, and 26 letters and digits that sort by time. Only on this
  /// loop.
  public String id(String prefix) {
    return ids.next(prefix, clock.millis());
  }

  private Promises promises() {
    if (promises == null) {
      throw new IllegalStateException("there is no store");
    }
    return promises;
  }

  private void begin(Submission submission, Answer answer, long stamp) {
    if (stopping) {
      shared.open().decrementAndGet();
      refuse(answer);
      return;
    }
    Call call = call(submission, null, stamp);
    Call winner = shared.coalesce().register(call, submission);
    if (winner != call) {
      attach(winner, submission, answer, stamp);
      return;
    }
    open.add(call);
    Run run = join(call, submission, submission.about(), ids.next(clock.millis()), true);
    call.begin();
    answer.accepted(run);
  }

  /// A call that memory is enough for, and that has not begun.
  private Call call(Submission submission, @Nullable Retry retry, long stamp) {
    var work =
        new Work(
            submission.request(),
            submission.usage(),
            submission.clocks(),
            0,
            submission.expiry(clock.millis()),
            submission.borrowed());
    var plan =
        new State.Plan(
            submission.clocks(), submission.request().streamed(), retry, work.expiresOn(clock));
    return call(
        work,
        State.fresh(plan, false, 0),
        clock.nanos(),
        submission.retryKey(),
        submission.sameKey(),
        filling(submission, stamp));
  }

  /// A call that has not begun.
  ///
  /// @param began when its log began, in nanoseconds
  ///
  /// @param filling how its answer is kept, or null
  Call call(
      Work work,
      State state,
      long began,
      @Nullable Key retryKey,
      @Nullable Key sameKey,
      Call.@Nullable Filling filling) {
    return new Call(
        clock, upstream, work, state, began, retryKey, sameKey, filling, limits.maxRun(), owner);
  }

  /// How the answer is kept of what was asked when the cache's number was `stamp`.
  private Call.@Nullable Filling filling(Submission submission, long stamp) {
    Caching caching = submission.caching();
    return caching == null ? null : new Call.Filling(shared.cache(), caching, stamp);
  }

  Queue queue(String name) {
    return shared.queues().apply(name);
  }

  /// Whether a promised run may wait in the store: not when all ends, for then it is handed over.
  boolean mayPark() {
    return !stopping && ending == null;
  }

  /// The runs that wait in the store, of all loops.
  ConcurrentHashMap<String, Parked> parked() {
    return shared.parked();
  }

  /// Whether somebody wanted a run stopped that no loop had met.
  boolean isUnmet(String run) {
    return shared.unmet().contains(run);
  }

  /// Promised runs are stored: from now on they are there for all, and their log begins.
  ///
  /// @param instead how the log ends at once instead, or null
  void begin(Call call, List<Run> runs, @Nullable Terminal instead) {
    open.add(call);
    shared.coalesce().promised(call);
    for (Run run : runs) {
      shared.runs().put(run.id(), run);
      shared.journal().began(run);
    }
    // After they are there for all, so that none is missed.
    List<Run> cancelled = runs.stream().filter(run -> shared.unmet().remove(run.id())).toList();
    if (stopping && call.canBeHandedOver()) {
      handOver(List.of(call));
    } else if (instead != null) {
      call.stop(instead);
    } else if (!cancelled.isEmpty() && cancelled.size() == runs.size()) {
      call.stop(Terminal.CANCELLED);
    } else if (ending != null) {
      call.stop(Terminal.failed(ending));
    } else {
      call.begin();
    }
    cancelled.forEach(run -> run.cancel(Terminal.CANCELLED));
  }

  /// The store has said whether it keeps the log of `call`, which the end of all has waited for.
  void kept(Call call) {
    if (ending != null && open.contains(call)) {
      if (call.canBeHandedOver()) {
        handOver(List.of(call));
      } else {
        call.stop(Terminal.failed(ending));
      }
    }
  }

  /// A run that was counted is not accepted after all.
  void uncount(Call call) {
    if (!call.isBackground()) {
      shared.open().decrementAndGet();
    }
  }

  /// The log may close between being found and being joined on its own loop: then we begin anew.
  private void attach(Call call, Submission submission, Answer answer, long stamp) {
    String id = ids.next(clock.millis());
    Run.About about = submission.about().attaching();
    call.clock()
        .execute(() -> {
          if (call.isOpenTo(shared.coalesce().window(submission))) {
            Run run = join(call, submission, about, id, true);
            call.lift();
            handOver(call, run, answer);
          } else {
            clock.execute(() -> beginAnew(submission, answer, stamp));
          }
        });
  }

  @SuppressWarnings("ReferenceEquality") // the very same loop
  private void handOver(Call call, Run run, Answer answer) {
    if (call.clock() == clock) {
      answer.accepted(run);
      return;
    }
    // It counts as a reader until its own comes: else the others might leave before that, and the
    // log be stopped for want of readers.
    run.enter();
    clock.execute(() -> {
      answer.accepted(run);
      run.leave();
    });
  }

  /// @param counted whether somebody waits for it
  private Run join(Call call, Submission submission, Run.About about, String id, boolean counted) {
    Run run =
        call.join(
            id,
            about,
            clock.millis(),
            clock.nanos(),
            submission.grace(),
            submission.onLeave(),
            counted);
    shared.runs().put(run.id(), run);
    shared.journal().began(run);
    boolean over = run.log().terminal() != null;
    superseding(submission, over ? null : run.id());
    if (over) {
      // An SDK came back after the end: all is there at once.
      ended(run, counted, 0, 0);
    }
    return run;
  }

  /// A call was accepted that may take the place of an older one, which is stopped then. On the
  /// loop of the run's log.
  ///
  /// @param run the id of its run, or null if that has ended
  void superseding(Submission submission, @Nullable String run) {
    String older = shared.supersede().by(submission, run);
    if (older != null) {
      shared.cancel(older, Supersede.SUPERSEDED);
    }
  }

  /// What becomes of this run is not known here any more.
  void forgetSuperseding(String run) {
    shared.supersede().ended(run);
  }

  private void ended(Run run, boolean counted, long firstContent, long total) {
    shared.supersede().ended(run.id());
    if (counted) {
      shared.open().decrementAndGet();
    }
    if (!Step.MOVED.equals(run.terminal())) {
      shared.journal().ended(run, firstContent, total);
    }
  }

  @SuppressWarnings("ReferenceEquality") // the very same
  private void closing(Call call, Terminal terminal) {
    open.remove(call);
    // Before the registry forgets it: who comes meanwhile finds the one or the other.
    fill(call, terminal);
    Durable durable = call.durable();
    if (durable != null && (terminal == Step.MOVED || promises().areShared())) {
      // Whoever asks again is told by the store: another node may go on with them, or erase them.
      call.forEachRun(run -> {
        if (durable.has(run)) {
          forget(call, run);
        }
      });
    }
    shared
        .coalesce()
        .closing(
            call, terminal.status() == Status.COMPLETED || terminal.status() == Status.INCOMPLETE);
  }

  private void fill(Call call, Terminal terminal) {
    Call.Filling filling = call.filling();
    Head head = call.log().head();
    boolean refusal =
        terminal.status() == Status.FAILED && head != null && REFUSALS.contains(head.status());
    if (filling == null || !refusal && terminal.status() != Status.COMPLETED) {
      return;
    }
    Caching caching = filling.caching();
    Freshness freshness = caching.freshness();
    Duration longest = refusal ? freshness.errors() : freshness.maxAge();
    long lifetime = Freshness.lifetime(longest, shared.dice().getAsDouble());
    var answer =
        new KeptAnswer(
            caching.key(),
            call.log(),
            call.firstRun(),
            call.isWhole(),
            refusal,
            filling.stamp(),
            clock.millis(),
            lifetime,
            freshness,
            caching.tags());
    if (lifetime > 0 && shared.cache().put(answer)) {
      call.answers(answer);
    }
  }

  private void forget(Call call) {
    shared.coalesce().forget(call);
    call.forEachRun(run -> forget(call, run));
  }

  private void forget(Call call, Run run) {
    shared.runs().remove(run.id(), run);
    if (call.name() != null) {
      shared.names().remove(call.name(), run);
    }
  }

  /// From now on nothing is accepted, what nobody watches is stopped, and what only waits for its
  /// turn is left to the next owner of the store.
  public void stopAccepting() {
    clock.execute(() -> {
      stopping = true;
      handOver(open.stream().filter(call -> call.canBeHandedOver() && !call.isCalling()).toList());
      if (promises != null) {
        promises.handOverParked();
      }
      List.copyOf(open).stream()
          .filter(call -> !call.isWatched())
          .forEach(call -> call.stop(Terminal.CANCELLED));
    });
  }

  /// Ends all that is still open, and leaves to the next owner of the store what can be left.
  public void stopAll(Failure why) {
    clock.execute(() -> {
      stopping = true;
      ending = why;
      handOver(open.stream().filter(Call::canBeHandedOver).toList());
      List.copyOf(open).stream()
          .filter(call -> call.durable() == null || call.durable().isStored())
          .forEach(call -> call.stop(Terminal.failed(why)));
    });
  }

  /// This node is out of touch with the store: others may go on with its logs.
  public void leaseLost() {
    clock.execute(() -> {
      List.copyOf(open).stream()
          // One that the store was only asked to keep goes on in memory, unless it has it.
          .filter(call -> call.durable() != null && call.durable().isStored())
          .forEach(Call::lost);
      promises().leaveParked();
    });
  }

  private void handOver(List<Call> calls) {
    if (calls.isEmpty()) {
      return;
    }
    var logs = calls.stream().map(call -> Objects.requireNonNull(call.durable()).id()).toList();
    // Whoever reads them here is told, comes back, and finds them where they go on.
    calls.forEach(Call::lost);
    promises().release(logs);
  }

  /// Is told what became of a prefetch, once.
  public interface Prefetched {
    /// Nothing was made: there is an answer that will do, somebody has asked already, or this
    /// server is stopping.
    void unmade();

    /// A call was made and has ended.
    ///
    /// @param took nanoseconds from the beginning of its last attempt to its end; 0 without one
    void ended(RunLog log, long took);
  }

  /// Is told what became of a call.
  public interface Answer {
    void accepted(Run run);

    /// The answer was kept: a run over its log, which has ended, or ends in this moment.
    default void found(Run run, Hit hit) {
      accepted(run);
    }

    /// There is no run: say so to the caller.
    void refused(Failure failure);

    /// There is no new run: its `Idempotency-Key` belongs to another one.
    default void held(IdempotencyEntry.Held holder) {
      throw new IllegalStateException("no key was given");
    }
  }
}
