package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.cache.Cache;
import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.KeptAnswer;
import dev.meanwhile.cache.Key;
import dev.meanwhile.dispatch.State.Phase;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Told;
import dev.meanwhile.upstream.Upstream;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Fills a log by calling the upstream: the driver of [Step]. It lives on its log's loop; only
/// runs' readers speak to it from elsewhere, through [Seat], and are posted.
public final class Call {
  /// What the word that an attempt begins to write may take of a log, in bytes.
  private static final int RESTARTED = 16;

  private final Clock clock;
  private final Upstream upstream;
  private final @Nullable Key retryKey;
  private final @Nullable Key sameKey;
  private final @Nullable Filling filling;
  private final boolean streamed;
  private final boolean usage;

  /// Whether it was begun before anybody had asked.
  private final boolean ahead;

  /// Whether nobody waits for it.
  private boolean background;

  private final int maxRun;
  private final Owner owner;
  private final RunLog log;
  private State state;

  /// The latest of the seats, each of which knows the one before it.
  private @Nullable Seat seats;

  /// What to send; forgotten at the end, with the prompt and the credential in it.
  private @Nullable Work work;

  private @Nullable Durable durable;

  /// What is kept of it, between its end and that being told.
  private @Nullable KeptAnswer answer;

  /// The upstream's id of the answer, once it has told one.
  private @Nullable String name;

  private @Nullable Attempt attempt;
  private Queue.@Nullable Ticket ticket;
  private Clock.@Nullable Timer timer;
  private long alarmAt = State.NEVER;
  private long lastByte;
  private long firstContent = -1;
  private long closedAt = -1;
  private long took;

  /// When it ended, in milliseconds since 1970, once its end is on its way to the store.
  private long endedAt = -1;

  private long footprint;

  /// @param state how far its log has come already, if it was stored
  /// @param began when its log began, on the clock
  Call(
      Clock clock,
      Upstream upstream,
      Work work,
      State state,
      long began,
      @Nullable Key retryKey,
      @Nullable Key sameKey,
      @Nullable Filling filling,
      int maxRun,
      Owner owner) {
    this.clock = clock;
    this.upstream = upstream;
    this.work = work;
    this.retryKey = retryKey;
    this.sameKey = sameKey;
    this.filling = filling;
    this.streamed = work.request().streamed();
    this.usage = work.usage();
    this.background = state.plan().retry() != null;
    this.ahead = background && !state.durable();
    this.maxRun = maxRun;
    this.owner = owner;
    this.lastByte = clock.nanos();
    this.log = new RunLog(clock, began, maxRun);
    this.state = state;
  }

  /// The loop that this and its log live on.
  Clock clock() {
    return clock;
  }

  @Nullable Key retryKey() {
    return retryKey;
  }

  @Nullable Key sameKey() {
    return sameKey;
  }

  /// Whether this log has all that `caller` asked for: a stream lacks usage unless it was asked.
  /// What was asked before a purge is not given after it.
  boolean serves(Submission caller) {
    return (isWhole() || !caller.wantsUsage()) && (filling == null || filling.isCurrent());
  }

  /// Whether its log has all that any caller may want.
  boolean isWhole() {
    return !streamed || usage;
  }

  /// What its answer is kept by, or null.
  @Nullable Filling filling() {
    return filling;
  }

  /// What is to be given again of it, until [#takeAnswer].
  void answers(KeptAnswer its) {
    answer = its;
  }

  @Nullable KeptAnswer takeAnswer() {
    KeptAnswer taken = answer;
    answer = null;
    return taken;
  }

  /// The id of its first run.
  String firstRun() {
    String first = "";
    for (Seat seat = seats; seat != null; seat = seat.before) {
      first = seat.run.id();
    }
    return first;
  }

  /// How an answer is kept.
  ///
  /// @param stamp the cache's number when it was asked
  record Filling(Cache cache, Caching caching, long stamp) {
    /// Whether nothing that was asked at that time has been purged.
    boolean isCurrent() {
      return cache.isCurrent(caching, stamp);
    }
  }

  /// Whether a new run may begin to read here: in flight, or ended well at most `window` ago.
  boolean isOpenTo(Duration window) {
    Terminal terminal = log.terminal();
    return terminal == null
        || (terminal.status() == Status.COMPLETED || terminal.status() == Status.INCOMPLETE)
            && clock.nanos() - closedAt < window.toNanos();
  }

  RunLog log() {
    return log;
  }

  /// What to send; null once that is over.
  @Nullable Work work() {
    return work;
  }

  /// Whether somebody reads it now.
  boolean isRead() {
    for (Seat seat = seats; seat != null; seat = seat.before) {
      if (seat.run.readers() > 0) {
        return true;
      }
    }
    return false;
  }

  void forEachRun(Consumer<Run> action) {
    for (Seat seat = seats; seat != null; seat = seat.before) {
      action.accept(seat.run);
    }
  }

  /// About how much memory this took when it was closed, in bytes.
  long footprint() {
    return footprint;
  }

  long closedAt() {
    return closedAt;
  }

  /// How long its last attempt took, in nanoseconds, once it is closed; 0 without one.
  long took() {
    return took;
  }

  /// How many attempts there were.
  int attempts() {
    return state.attempt().number();
  }

  /// Makes a run over this log, which may have ended already.
  ///
  /// @param since when it was accepted, in nanoseconds on the clock
  /// @param counted whether it is among the runs that somebody waits for
  Run join(
      String id,
      Run.About about,
      long createdAt,
      long since,
      Duration grace,
      OnLeave onLeave,
      boolean counted) {
    var seat = new Seat(id, about, createdAt, since, grace, counted, seats);
    seats = seat;
    happened(new Milestone.Joined(onLeave));
    return seat.run;
  }

  /// The store keeps this log from now on.
  void keptBy(Durable durable) {
    this.durable = durable;
    durable.whenFenced(this::lost);
  }

  @Nullable Durable durable() {
    return durable;
  }

  /// It has a place already, and is known by its runs and by who keeps it.
  void takes(Queue.Ticket place) {
    place.passTo(turn());
    ticket = place;
  }

  /// The store was asked to keep this log: its end waits for the store from now on.
  void keeping(Durable durable) {
    keptBy(durable);
    happened(new Milestone.Keeping());
  }

  /// What the store answered: whether it does.
  @SuppressWarnings("ReferenceEquality") // the very same
  void kept(Durable by, boolean kept) {
    if (by != durable) {
      // It has closed meanwhile.
      return;
    }
    if (kept && !by.isOurs()) {
      // The lease was lost before the store answered: it is the next owner's.
      lost();
    } else if (kept) {
      by.published();
      if (name != null) {
        by.named(name);
      }
      happened(new Milestone.Kept());
    } else {
      by.stop();
      durable = null;
      happened(new Milestone.NotKept());
    }
  }

  /// A run that the store keeps is there for whoever asks: nobody need stay for it.
  void goOn() {
    if (log().terminal() == null) {
      happened(new Milestone.Kept());
    }
  }

  void begin() {
    happened(new Milestone.Begun());
  }

  /// Somebody waits for what nobody had asked for.
  void lift() {
    if (background && ahead) {
      background = false;
      happened(new Milestone.Lifted());
    }
  }

  void stop(Terminal terminal) {
    happened(new Milestone.Stopped(terminal));
  }

  /// Another process goes on with the log, from now on or soon.
  void lost() {
    happened(new Milestone.Lost());
  }

  /// Whether a stopping server waits for this log.
  boolean isWatched() {
    return state.readers().present() > 0 || state.readers().onLeave() == OnLeave.CONTINUE;
  }

  /// Whether nobody waits for it.
  boolean isBackground() {
    return background;
  }

  /// Whether the next owner of the store goes on with this log if this process ends. Not while its
  /// end is on its way to the store.
  boolean canBeHandedOver() {
    return durable != null
        && durable.isStored()
        && !isEnding()
        && (background || state.readers().onLeave() == OnLeave.CONTINUE);
  }

  /// Whether its end is on its way to the store.
  boolean isEnding() {
    return state.phase() == Phase.ENDING;
  }

  /// How many more bytes the log takes, at least.
  long room() {
    return (long) maxRun - log.size(0, log.end()) - RESTARTED;
  }

  /// Whether an upstream's call is under way.
  boolean isCalling() {
    return state.calling();
  }

  /// Whether `attempt` may still write: it is the current one, and its call is under way.
  @SuppressWarnings("ReferenceEquality") // the very same attempt
  boolean isWriting(Attempt asking) {
    return asking == attempt && state.calling();
  }

  /// The attempt heard from the upstream.
  void alive() {
    lastByte = clock.nanos();
  }

  long lastByte() {
    return lastByte;
  }

  void connected() {
    alive();
    happened(new Milestone.Connected());
  }

  /// The upstream told of its limits.
  void told(RateLimit limit) {
    if (ticket != null) {
      ticket.told(limit);
    }
  }

  /// The upstream's id of the answer, or null.
  @Nullable String name() {
    return name;
  }

  void named(String id) {
    name = id;
    owner.named(this, id);
    if (durable != null && durable.isStored()) {
      durable.named(id);
    }
  }

  void content() {
    if (firstContent < 0) {
      firstContent = lastByte;
    }
    happened(new Milestone.FirstContent());
  }

  void published() {
    if (durable != null) {
      durable.published();
    }
  }

  void tooLarge() {
    stop(
        Terminal.failed(
            new Failure(
                502,
                "run_too_large",
                "The upstream's answer is larger than %,d bytes, the most that is kept of one run."
                        .formatted(maxRun)
                    + " Ask for less, or raise max-run.")));
  }

  /// The upstream's call is over.
  void ended(Terminal terminal, long retryAfter) {
    happened(new Milestone.Ended(terminal, retryAfter, owner.dice()));
  }

  private void happened(Milestone milestone) {
    Step step = Step.step(state, milestone, clock.nanos());
    state = step.state();
    for (Effect effect : step.effects()) {
      perform(effect);
    }
    arm();
  }

  private void perform(Effect effect) {
    switch (effect) {
      case Effect.Enqueue() -> {
        // Its turn may come, and its call end, before it has entered: it is known before.
        Queue.Ticket entering = ticket == null ? owner.ticket(turn()) : ticket;
        ticket = entering;
        entering.enter();
      }
      case Effect.Start(int number) -> start(number);
      case Effect.Abort() -> {
        if (attempt != null) {
          attempt.abort();
        }
      }
      case Effect.Vacate() -> {
        if (ticket != null) {
          ticket.vacate();
          ticket = null;
        }
      }
      case Effect.Pause(long at) -> {
        if (attempt != null) {
          attempt.leave();
          attempt = null;
        }
        if (durable != null) {
          durable.paused(clock.millis() + Duration.ofNanos(at - clock.nanos()).toMillis());
        }
      }
      case Effect.Persist(Terminal terminal) -> {
        letGo();
        endedAt = clock.millis();
        Objects.requireNonNull(durable)
            .ended(
                terminal,
                endedAt,
                outcome ->
                    happened(
                        outcome instanceof Outcome.Stored
                            ? new Milestone.Stored()
                            : new Milestone.Lost()));
      }
      case Effect.Close(Terminal terminal) -> close(terminal);
    }
  }

  private Queue.Turn turn() {
    String tenant = seats == null ? "" : seats.run.about().tenant();
    return new Queue.Turn(
        Objects.requireNonNull(work).request().upstream(),
        durable == null ? Queue.PREFETCH : durable.priority(),
        tenant,
        () ->
            // A log that is no longer ours is not called for.
            happened(
                durable == null || durable.isOurs()
                    ? new Milestone.Granted()
                    : new Milestone.Lost()));
  }

  private void start(int number) {
    lastByte = clock.nanos();
    var begun = new Attempt(this, number, log.begin(number), state.plan().retry() != null);
    attempt = begun;
    if (durable != null) {
      durable.started(number);
    }
    begun.begin(upstream, Objects.requireNonNull(work).request());
  }

  /// What an attempt held back is part of the log, now that no other will replace it.
  private void letGo() {
    if (attempt != null) {
      attempt.release();
    }
  }

  private void close(Terminal terminal) {
    letGo();
    closedAt = clock.nanos();
    took = attempt == null ? 0 : closedAt - state.attempt().began();
    work = null;
    // What never began, or waits for another attempt, ends in the one it had.
    LogWriter writer = attempt == null ? log.begin(Math.max(1, log.attempt())) : attempt.writer();
    attempt = null;
    // The registry forgets first: whoever is woken by the end and asks again finds no log in
    // flight.
    owner.closing(this, terminal);
    if (durable != null) {
      durable.stop();
      durable = null;
    }
    writer.close(terminal, endedAt < 0 ? clock.millis() : endedAt);
    state = State.OVER;
    footprint = log.footprint() + 700L;
    owner.closed(this);
    for (Seat seat = seats; seat != null; seat = seat.before) {
      if (!seat.run.isCut()) {
        seat.ended();
      }
    }
  }

  /// One timer per log, set for the earliest limit when it is first needed and looked at again only
  /// when it fires: limits that have moved meanwhile cost nothing.
  private void arm() {
    long next = state.alarm(lastByte);
    if (next == State.NEVER) {
      if (timer != null) {
        timer.cancel();
        timer = null;
        alarmAt = State.NEVER;
      }
    } else if (next < alarmAt) {
      if (timer != null) {
        timer.cancel();
      }
      alarmAt = next;
      timer = clock.after(Duration.ofNanos(Math.max(0, next - clock.nanos())), this::alarm);
    }
  }

  private void alarm() {
    timer = null;
    alarmAt = State.NEVER;
    happened(new Milestone.Tick(lastByte));
  }

  /// Is told what becomes of a call, on its loop.
  interface Owner {
    /// A place at the call's upstream, to be waited for.
    Queue.Ticket ticket(Queue.Turn turn);

    /// Its answer has an id at the upstream: another name for its first run.
    void named(Call call, String id);

    /// Its log is about to close, but no reader knows yet.
    void closing(Call call, Terminal terminal);

    /// Its log is closed.
    void closed(Call call);

    /// A run is to be kept: answers with null, or why it is not.
    void keep(Call call, Run run, Consumer<@Nullable String> answer);

    /// A random number, 0 to below 1.
    double dice();

    /// A run has ended, once each: as [Journal#ended].
    ///
    /// @param counted whether it was among the runs that somebody waits for
    void ended(Run run, boolean counted, long firstContent, long total);
  }

  /// One run's place at this log: counts its readers, on the log's loop.
  private final class Seat implements Run.Owner {
    private final @Nullable Seat before;
    private final Run run;
    private final Duration grace;
    private final boolean counted;
    private final long since;
    private int present;

    /// Whether the store was asked to cut the run.
    private boolean cutting;

    Seat(
        String id,
        Run.About about,
        long createdAt,
        long since,
        Duration grace,
        boolean counted,
        @Nullable Seat before) {
      this.since = since;
      this.counted = counted;
      this.before = before;
      this.run = new Run(id, about, createdAt, log, this);
      this.grace = grace;
    }

    @Override
    public void returned() {
      clock.execute(() -> {
        present++;
        if (!run.isCut()) {
          happened(new Milestone.Returned());
        }
      });
    }

    @Override
    public void left() {
      clock.execute(() -> {
        present--;
        if (!run.isCut()) {
          happened(new Milestone.Left(grace.toNanos()));
        }
      });
    }

    @Override
    public void cancel(Terminal how) {
      clock.execute(() -> {
        // The log's end and this are on one loop, so either the run is cut or it has ended. An end
        // that is on its way to the store stands: in the store it comes before a cut.
        if (run.isCut() || cutting || isEnding() || state.phase() == Phase.CLOSED) {
          return;
        }
        if (state.readers().alive() == 1) {
          stop(how);
          return;
        }
        int end = log.end();
        long now = clock.millis();
        Durable kept = durable;
        if (kept == null || !kept.isAskedFor(run)) {
          cut(end, now, how);
        } else if (!kept.has(run)) {
          // The store has yet to say whether it has what is to be cut.
          kept.accept(run, null, Told.NOBODY, null, _ -> cancel(how));
        } else {
          cutting = true;
          kept.cut(
              run,
              end,
              now,
              outcome -> {
                cutting = false;
                if (outcome instanceof Outcome.Stored) {
                  // Why is nothing that the store knows of a cut: all are to see the same end.
                  cut(end, now, Terminal.CANCELLED);
                } else if (!isEnding()) {
                  lost();
                }
              });
        }
      });
    }

    private void cut(int end, long millis, Terminal how) {
      if (run.cut(end, millis, how)) {
        ended();
        happened(new Milestone.Cancelled(present > 0));
      }
    }

    @Override
    public void keep(Consumer<@Nullable String> answer) {
      clock.execute(() -> owner.keep(Call.this, run, answer));
    }

    private void ended() {
      // What waited since nobody had asked for it tells nothing of how long calls take.
      long from = ahead && !counted ? clock.nanos() - took : since;
      long first = firstContent < 0 ? -1 : Math.max(0, firstContent - from);
      owner.ended(run, counted, first, clock.nanos() - from);
    }
  }
}
