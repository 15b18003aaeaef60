package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Runs that outlive the process: accepted into the store before they are answered, taken into it
/// while they run, taken over from it after a crash. Only on one loop.
final class Promises implements Parked.Lot {
  /// A log that took so many processes with it is not given another.
  private static final int MOST_LOST = 3;

  private static final int RELEASED_AT_ONCE = 500;

  private static final Duration NO_GRACE = Duration.ZERO;

  private final Dispatcher dispatcher;
  private final Clock clock;
  private final Store store;
  private final RunIds ids;
  private final Duration deadline;
  private final Deflated deflated;

  Promises(
      Dispatcher dispatcher,
      Clock clock,
      Store store,
      RunIds ids,
      Duration deadline,
      Deflated deflated) {
    this.deflated = deflated;
    this.dispatcher = dispatcher;
    this.clock = clock;
    this.store = store;
    this.ids = ids;
    this.deadline = deadline;
  }

  /// @param filling how the answer is kept to be given again, or null
  void accept(
      Submission submission,
      Submission.Promise promise,
      Dispatcher.Answer answer,
      Call.@Nullable Filling filling) {
    boolean background = promise.background();
    var request = submission.request();
    long now = clock.millis();
    var work =
        new Work(
            request,
            submission.usage(),
            submission.clocks(),
            background ? promise.deadline() : 0,
            submission.expiry(now),
            submission.borrowed());
    Retry retry = background ? retryUntil(promise.deadline()) : null;
    var plan =
        new State.Plan(submission.clocks(), request.streamed(), retry, work.expiresOn(clock));
    Call call =
        dispatcher.call(
            work,
            State.fresh(plan, true, 0),
            clock.nanos(),
            background ? null : submission.retryKey(),
            null,
            filling);
    String trouble = store.trouble();
    if (trouble != null) {
      refuse(call, answer, trouble);
      return;
    }
    if (background && dispatcher.queue(request.upstream()).isFull()) {
      dispatcher.uncount(call);
      answer.refused(
          new Failure(
              429,
              "queue_full",
              "As many background runs wait for the upstream %s as may. Try again later, or raise max-queued of this upstream."
                  .formatted(request.upstream())));
      return;
    }
    Run run =
        call.join(
            ids.next(now),
            submission.about(),
            now,
            clock.nanos(),
            submission.grace(),
            // On another node somebody may wait under the same key, whom this one does not see.
            background || areShared() ? OnLeave.CONTINUE : submission.onLeave(),
            !background);
    int lease = dispatcher.lease();
    var durable = durable(call, log(run, work, promise.priority(), 0), lease, 0);
    call.keptBy(durable);
    durable.accept(
        run,
        promise.key(),
        promise.told(),
        promise.label(),
        outcome -> {
          switch (outcome) {
            case Outcome.Stored() -> {
              // Before its end, which forgets it.
              dispatcher.superseding(submission, run.id());
              boolean waits = background && mayPark(work, lease);
              if (!waits) {
                begin(call, run, lease);
              }
              answer.accepted(run);
              if (waits && call.isRead()) {
                begin(call, run, lease);
              } else if (waits) {
                park(run, work, promise, lease);
              }
            }
            case Outcome.Conflict(var holder) -> {
              dispatcher.uncount(call);
              answer.held(holder);
            }
            case Outcome.Refused(String reason) -> refuse(call, answer, reason);
            case Outcome.Fenced(), Outcome.Repeated(_, _) ->
                refuse(call, answer, "this node is out of touch with its store");
          }
        });
  }

  private void begin(Call call, Run run, int lease) {
    // Without the lease it is the next owner's to begin.
    dispatcher.begin(call, List.of(run), dispatcher.holds(lease) ? null : Step.MOVED);
  }

  private boolean mayPark(Work work, int lease) {
    return dispatcher.queue(work.request().upstream()).isLong()
        && dispatcher.mayPark()
        && dispatcher.holds(lease)
        && work.isStoredWhole();
  }

  /// Leaves all of a run to the store but its place in line.
  private void park(Run run, Work work, Submission.Promise promise, int lease) {
    String upstream = work.request().upstream();
    long until =
        work.expires() == 0 ? promise.deadline() : Math.min(promise.deadline(), work.expires());
    var parked =
        new Parked(
            run.id(),
            dispatcher.queue(upstream),
            upstream,
            promise.priority(),
            run.about().tenant(),
            clock,
            this,
            lease);
    parked.begin(Duration.ofMillis(until - clock.millis()));
    // After it is there for all, so that it is not missed.
    if (dispatcher.isUnmet(run.id())) {
      parked.fetch(() -> {});
    }
  }

  @Override
  public Map<String, Parked> all() {
    return dispatcher.parked();
  }

  @Override
  public Store store() {
    return store;
  }

  @Override
  public boolean holds(int lease) {
    return dispatcher.holds(lease);
  }

  @Override
  public void resume(Store.Claimed claimed, int lease, Queue.Ticket place) {
    recover(claimed, lease, List.of(), place);
  }

  /// What is only in line is another owner's from now on.
  ///
  /// @return the ids of the logs
  List<String> leaveParked() {
    List<Parked> mine = dispatcher.parked().values().stream().filter(it -> it.isIn(this)).toList();
    mine.forEach(Parked::leave);
    mine.forEach(it -> dispatcher.forgetSuperseding(it.id()));
    return mine.stream().map(it -> logOf(it.id())).toList();
  }

  private void refuse(Call call, Dispatcher.Answer answer, String trouble) {
    dispatcher.uncount(call);
    answer.refused(
        new Failure(
            503,
            "store_unavailable",
            "Nothing can be promised now, and nothing was: %s. Plain calls still work."
                .formatted(trouble)));
  }

  /// The log of the first run that is promised over it, whose id it has.
  private static StoredLog log(Run run, Work work, int priority, int attempts) {
    return new StoredLog(
        logOf(run.id()),
        run.about().tenant(),
        work.request().upstream(),
        priority,
        run.createdAt(),
        run.createdAt(),
        attempts,
        0,
        attempts == 0 ? "queued" : "in_progress",
        0,
        0,
        work.encoded(),
        null,
        null);
  }

  private Retry retryUntil(long millis) {
    return new Retry(Work.nanos(clock, millis));
  }

  /// Takes a run into the store while its log is written.
  ///
  /// @param answer gets null when it is kept, or why it is not
  void keep(Call call, Run run, Consumer<@Nullable String> answer) {
    Work work = call.work();
    if (run.terminal() != null || work == null) {
      answer.accept("the run has ended");
      return;
    }
    Consumer<Outcome> told =
        outcome -> {
          if (outcome instanceof Outcome.Stored) {
            call.goOn();
          }
          answer.accept(whyNot(call, outcome));
        };
    Durable durable = call.durable();
    if (durable != null && durable.has(run)) {
      // Named or stored from the beginning; but only now may its caller leave for good.
      call.goOn();
      answer.accept(null);
      return;
    }
    if (durable != null && durable.isAskedFor(run)) {
      durable.accept(run, null, Told.NOBODY, null, told);
      return;
    }
    if (call.isEnding()) {
      answer.accept("the run has ended");
      return;
    }
    String trouble = store.trouble();
    if (trouble != null) {
      answer.accept(trouble);
      return;
    }
    if (durable == null) {
      long until = run.createdAt() + deadline.toMillis();
      var kept =
          new Work(
              work.request(), work.usage(), work.clocks(), until, work.expires(), work.borrowed());
      var begun = durable(call, log(run, kept, 0, call.attempts()), dispatcher.lease(), 0);
      call.keeping(begun);
      begun.accept(
          run,
          null,
          Told.NOBODY,
          null,
          outcome -> {
            call.kept(begun, outcome instanceof Outcome.Stored);
            dispatcher.kept(call);
            told.accept(outcome);
          });
    } else {
      durable.accept(run, null, Told.NOBODY, null, told);
    }
  }

  private static @Nullable String whyNot(Call call, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Stored() -> null;
      case Outcome.Refused(String reason) -> reason;
      case Outcome.Fenced(), Outcome.Conflict(_), Outcome.Repeated(_, _) ->
          call.isEnding() || call.log().terminal() != null
              ? "the run has ended"
              : "this node is out of touch with its store";
    };
  }

  /// Goes on with a log that this node has taken over.
  ///
  /// @param lease how often this node had lost its lease when it asked for the log: if it has
  ///   since, the log is another's again
  void recover(Store.Claimed claimed, int lease) {
    StoredLog log = claimed.log();
    if (log.end() == 0) {
      recover(claimed, lease, List.of(), null);
      return;
    }
    store.pieces(
        log.id(),
        0,
        new Store.Reply<>() {
          @Override
          public void is(List<Piece> pieces) {
            clock.execute(() -> recover(claimed, lease, pieces, null));
          }

          @Override
          public void failed(String trouble) {
            // It is owned, so nobody else will: once the store answers again, so will this.
            clock.execute(() -> clock.after(Durable.ROUND, () -> recover(claimed, lease)));
          }
        });
  }

  /// @param place what it has in line or at the upstream, or null
  private void recover(
      Store.Claimed claimed, int lease, List<Piece> pieces, Queue.@Nullable Ticket place) {
    if (!isRecovered(claimed, lease, pieces, place) && place != null) {
      place.vacate();
    }
  }

  private boolean isRecovered(
      Store.Claimed claimed, int lease, List<Piece> pieces, Queue.@Nullable Ticket place) {
    if (!dispatcher.holds(lease)) {
      return false;
    }
    StoredLog log = claimed.log();
    Work work;
    Head head;
    var abouts = new ArrayList<Run.About>();
    try {
      work = Work.of(log.request());
      head = log.head() == null ? null : Encoding.head(log.head());
      for (StoredRun stored : claimed.runs()) {
        abouts.add(Encoding.about(stored.about()));
      }
    } catch (UncheckedIOException e) {
      // A newer version wrote it, or the database is damaged: whoever looks is told.
      end(log, "run_unreadable", "What was stored of this run cannot be read.");
      return false;
    }
    long until = work.deadline() > 0 ? work.deadline() : log.createdAt() + deadline.toMillis();
    var plan =
        new State.Plan(
            work.clocks(), work.request().streamed(), retryUntil(until), work.expiresOn(clock));
    State state = State.fresh(plan, true, log.attempt());
    long wait = log.notBefore() - clock.millis();
    if (wait > 0) {
      state = state.notBefore(clock.nanos() + Duration.ofMillis(wait).toNanos());
    }
    // The events keep their times: what is stored next is packed with them as its dictionary.
    long began = ago(log.createdAt());
    Call call = dispatcher.call(work, state, began, null, null, null);
    boolean whole = true;
    if (log.attempt() > 0) {
      LogWriter writer = call.log().begin(log.attempt());
      if (head != null) {
        writer.head(head);
      }
      try {
        Deflated.read(pieces, 0, writer, began);
      } catch (IOException e) {
        whole = false;
      }
      writer.publish();
    }
    var durable = durable(call, log, lease, pieces.size());
    call.keptBy(durable);
    var runs = new ArrayList<Run>();
    boolean cancelled = true;
    for (int i = 0; i < abouts.size(); i++) {
      StoredRun stored = claimed.runs().get(i);
      durable.has(stored.id());
      runs.add(
          call.join(
              stored.id(),
              abouts.get(i),
              stored.createdAt(),
              ago(stored.createdAt()),
              NO_GRACE,
              OnLeave.CONTINUE,
              false));
      cancelled &= stored.cancelRequested();
    }
    if (place != null) {
      call.takes(place);
    }
    dispatcher.begin(call, runs, instead(work, log, whole, cancelled));
    for (int i = 0; i < runs.size(); i++) {
      if (claimed.runs().get(i).cancelRequested()) {
        runs.get(i).cancel(Terminal.CANCELLED);
      }
    }
    return true;
  }

  /// A time in milliseconds since 1970, in nanoseconds on the clock.
  private long ago(long millis) {
    return Work.nanos(clock, millis);
  }

  private Durable durable(Call call, StoredLog log, int lease, int pieces) {
    return new Durable(
        store,
        clock,
        deflated,
        call.log(),
        log,
        () -> dispatcher.holds(lease),
        pieces,
        pieces == 0 ? 0 : call.log().end());
  }

  /// How a log ends at once that cannot go on, or null if it can.
  ///
  /// @param cancelled whether each of its runs was to be stopped, or has been
  private static @Nullable Terminal instead(
      Work work, StoredLog log, boolean whole, boolean cancelled) {
    if (cancelled) {
      return Terminal.CANCELLED;
    }
    if (!whole) {
      return failed("run_unreadable", "What was stored of this run's answer cannot be read.");
    }
    if (work.borrowed()) {
      return failed(
          "credential_gone",
          "The server restarted, and this call went up with its caller's own key, which is never stored. Send it again.");
    }
    if (log.lost() >= MOST_LOST) {
      return failed(
          "lost_to_crashes",
          "The server crashed %d times while it worked on this run, and gave it up."
              .formatted(log.lost()));
    }
    return null;
  }

  private static Terminal failed(String code, String message) {
    return Terminal.failed(new Failure(500, code, message));
  }

  private void end(StoredLog log, String code, String message) {
    Terminal failed = failed(code, message);
    store.write(
        new Change.Ended(
            log.id(),
            log.attempt(),
            failed.status().word(),
            clock.millis(),
            null,
            log.head(),
            Encoding.of(failed),
            true),
        _ -> {});
  }

  /// Whether other nodes have them too.
  boolean areShared() {
    return store.shared();
  }

  /// Leaves logs to the store's next owner.
  void release(List<String> logs) {
    for (int from = 0; from < logs.size(); from += RELEASED_AT_ONCE) {
      int to = Math.min(logs.size(), from + RELEASED_AT_ONCE);
      store.write(new Change.Released(logs.subList(from, to)), _ -> {});
    }
  }

  /// The same of what is only in line. Where no other node could go on with it, there is nothing to
  /// write: the next process finds it.
  void handOverParked() {
    List<String> logs = leaveParked();
    if (areShared()) {
      release(logs);
    }
  }

  /// The id of the log that was stored with this run.
  static String logOf(String run) {
    return "log_" + run.substring(run.indexOf('_') + 1);
  }
}
