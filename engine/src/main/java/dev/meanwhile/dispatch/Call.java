package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.dispatch.State.Phase;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.upstream.Upstream;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Fills a log by calling the upstream: the driver of [Step]. It lives on its log's loop; only
/// runs' readers speak to it from elsewhere, through [Seat], and are posted.
public final class Call {
  private final Clock clock;
  private final Upstream upstream;
  private final @Nullable Key retryKey;
  private final @Nullable Key sameKey;
  private final boolean streamed;
  private final boolean usage;
  private final boolean background;
  private final int maxRun;
  private final Owner owner;
  private final RunLog log;
  private State state;

  /// The latest of the seats, each of which knows the one before it.
  private @Nullable Seat seats;

  /// What to send; forgotten at the end, with the prompt and the credential in it.
  private @Nullable Work work;

  private @Nullable Durable durable;
  private @Nullable Attempt attempt;
  private Queue.@Nullable Ticket ticket;
  private Clock.@Nullable Timer timer;
  private long alarmAt = State.NEVER;
  private long lastByte;
  private long firstContent = -1;
  private long closedAt = -1;
  private long footprint;

  /// @param state how far its log has come already, if it was stored
  /// @param began when its log began: the times of its events count from then
  Call(
      Clock clock,
      Upstream upstream,
      Work work,
      State state,
      @Nullable Key retryKey,
      @Nullable Key sameKey,
      int maxRun,
      long began,
      Owner owner) {
    this.clock = clock;
    this.upstream = upstream;
    this.work = work;
    this.retryKey = retryKey;
    this.sameKey = sameKey;
    this.streamed = work.request().streamed();
    this.usage = work.usage();
    this.background = state.plan().retry() != null;
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
  boolean serves(Submission caller) {
    boolean wantsUsage = !caller.about().streamed() || caller.usage();
    return !streamed || usage || !wantsUsage;
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

  /// How many attempts there were.
  int attempts() {
    return state.attempt().number();
  }

  /// Makes a run over this log, which may have ended already.
  ///
  /// @param counted whether it is among the runs that somebody waits for
  Run join(
      String id,
      Run.About about,
      long createdAt,
      Duration grace,
      OnLeave onLeave,
      boolean counted) {
    var seat = new Seat(id, about, createdAt, grace, counted, seats);
    seats = seat;
    happened(new Milestone.Joined(onLeave));
    return seat.run;
  }

  /// The store keeps this log from now on.
  void keptBy(Durable durable) {
    this.durable = durable;
  }

  @Nullable Durable durable() {
    return durable;
  }

  /// The store was asked to keep this log: its end waits for the store from now on.
  void keeping(Durable durable) {
    this.durable = durable;
    happened(new Milestone.Keeping());
  }

  /// What the store answered: whether it does.
  void kept(boolean kept) {
    if (kept) {
      Objects.requireNonNull(durable).published();
      happened(new Milestone.Kept());
    } else {
      Objects.requireNonNull(durable).stop();
      durable = null;
      happened(new Milestone.NotKept());
    }
  }

  void begin() {
    happened(new Milestone.Begun());
  }

  void stop(Terminal terminal) {
    happened(new Milestone.Stopped(terminal));
  }

  /// Another node owns the log now.
  void lost() {
    happened(new Milestone.Lost());
  }

  /// Nothing more happens here, and nobody is told: the process leaves a log to its next owner.
  void abandon() {
    Attempt last = attempt;
    if (last != null) {
      last.abort();
    }
    if (durable != null) {
      durable.stop();
    }
    if (ticket != null) {
      ticket.vacate();
    }
    if (timer != null) {
      timer.cancel();
    }
    state = State.OVER;
  }

  /// Whether a stopping server waits for this log.
  boolean isWatched() {
    return state.readers().present() > 0 || state.readers().onLeave() == OnLeave.CONTINUE;
  }

  /// Whether nobody waits for it.
  boolean isBackground() {
    return background;
  }

  /// Whether the next owner of the store goes on with this log if this process ends.
  boolean canBeHandedOver() {
    return durable != null && (background || state.readers().onLeave() == OnLeave.CONTINUE);
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
    happened(new Milestone.Ended(terminal, retryAfter, ThreadLocalRandom.current().nextDouble()));
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
      case Effect.Enqueue() -> ticket = owner.enqueue(turn());
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
        attempt = null;
        if (durable != null) {
          durable.paused(clock.millis() + Duration.ofNanos(at - clock.nanos()).toMillis());
        }
      }
      case Effect.Persist(Terminal terminal) -> {
        letGo();
        Objects.requireNonNull(durable)
            .ended(
                terminal,
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
        durable == null ? 0 : durable.priority(),
        tenant,
        () -> happened(new Milestone.Granted()));
  }

  private void start(int number) {
    lastByte = clock.nanos();
    var begun = new Attempt(this, number, log.begin(number), state.plan().retry() != null);
    attempt = begun;
    if (durable != null) {
      durable.started(
          number,
          outcome -> {
            if (outcome instanceof Outcome.Fenced) {
              lost();
            }
          });
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
    work = null;
    long endedAt = clock.millis();
    if (durable != null) {
      endedAt = durable.endedAt(endedAt);
      durable.stop();
      durable = null;
    }
    // An end is no attempt of its own.
    LogWriter writer = attempt == null ? log.begin(Math.max(1, attempts())) : attempt.writer();
    attempt = null;
    // The registry forgets first: whoever is woken by the end and asks again finds no log in
    // flight.
    owner.closing(this, terminal);
    writer.close(terminal, endedAt);
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
    /// Waits for a place at the call's upstream.
    Queue.Ticket enqueue(Queue.Turn turn);

    /// Its log is about to close, but no reader knows yet.
    void closing(Call call, Terminal terminal);

    /// Its log is closed.
    void closed(Call call);

    /// A run is to be kept: answers with null, or why it is not.
    void keep(Call call, Run run, Consumer<@Nullable String> answer);

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
    private final long since = clock.nanos();
    private int present;

    Seat(
        String id,
        Run.About about,
        long createdAt,
        Duration grace,
        boolean counted,
        @Nullable Seat before) {
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
    public void cancel() {
      clock.execute(() -> {
        // The log's end and this are on one loop, so either the run is cut or it has ended.
        if (state.readers().alive() == 1 && !run.isCut()) {
          stop(Terminal.CANCELLED);
        } else if (!run.isCut() && state.phase() != Phase.CLOSED) {
          int end = log.end();
          long now = clock.millis();
          Durable kept = durable;
          if (kept == null) {
            cut(end, now);
          } else {
            kept.cut(run, end, now, _ -> cut(end, now));
          }
        }
      });
    }

    private void cut(int end, long millis) {
      if (run.cut(end, millis)) {
        ended();
        happened(new Milestone.Cancelled(present > 0));
      }
    }

    @Override
    public void keep(Consumer<@Nullable String> answer) {
      clock.execute(() -> owner.keep(Call.this, run, answer));
    }

    private void ended() {
      long first = firstContent < 0 ? -1 : Math.max(0, firstContent - since);
      owner.ended(run, counted, first, clock.nanos() - since);
    }
  }
}
