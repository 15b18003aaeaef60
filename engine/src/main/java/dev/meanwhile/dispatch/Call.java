package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.dispatch.State.Phase;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Fills a log by calling the upstream: the driver of [Step]. It lives on its log's loop; only
/// runs' readers speak to it from elsewhere, through [Seat], and are posted.
public final class Call implements Upstream.Listener {
  private final Clock clock;
  private final Upstream upstream;
  private final @Nullable Key retryKey;
  private final @Nullable Key sameKey;
  private final boolean streamed;
  private final boolean usage;
  private final int maxRun;
  private final Owner owner;
  private final RunLog log;
  private State state;

  /// The latest of the seats, each of which knows the one before it.
  private @Nullable Seat seats;

  /// What to send; forgotten at the end, with the prompt and the credential in it.
  private @Nullable Request request;

  private @Nullable LogWriter writer;
  private Upstream.@Nullable Exchange exchange;
  private Clock.@Nullable Timer timer;
  private long alarmAt = State.NEVER;
  private long lastByte;
  private long firstContent = -1;
  private long closedAt = -1;
  private long footprint;

  Call(Clock clock, Upstream upstream, Submission submission, int maxRun, Owner owner) {
    this.clock = clock;
    this.upstream = upstream;
    this.request = submission.request();
    this.retryKey = submission.retryKey();
    this.sameKey = submission.sameKey();
    this.streamed = submission.request().streamed();
    this.usage = submission.usage();
    this.maxRun = maxRun;
    this.owner = owner;
    this.lastByte = clock.nanos();
    this.log = new RunLog(clock, lastByte, maxRun);
    this.state = State.fresh(submission.clocks(), streamed);
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
    boolean wantsUsage = !caller.request().streamed() || caller.usage();
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

  /// Makes a run over this log, which may have ended already.
  Run join(String id, Run.About about, Duration grace, OnLeave onLeave) {
    var seat = new Seat(id, about, grace, seats);
    seats = seat;
    happened(new Milestone.Joined(onLeave));
    return seat.run;
  }

  void begin() {
    happened(new Milestone.Begun());
  }

  void stop(Terminal terminal) {
    happened(new Milestone.Stopped(terminal));
  }

  /// Whether a stopping server waits for this log.
  boolean isWatched() {
    return state.present() > 0 || state.onLeave() == OnLeave.CONTINUE;
  }

  @Override
  public void connected() {
    lastByte = clock.nanos();
    happened(new Milestone.Connected());
  }

  @Override
  public void head(Head head) {
    if (writer != null) {
      writer.head(head);
    }
  }

  @Override
  public void alive() {
    lastByte = clock.nanos();
  }

  @Override
  public void event(Kind kind, byte[] bytes, int offset, int length) {
    if (writer == null || state.phase() == Phase.CLOSED) {
      return;
    }
    if (!writer.append(kind, lastByte, bytes, offset, length)) {
      stop(
          Terminal.failed(
              new Failure(
                  502,
                  "run_too_large",
                  "The upstream's answer is larger than %,d bytes, the most that is kept of one run."
                          .formatted(maxRun)
                      + " Ask for less, or raise max-run.")));
      return;
    }
    if (firstContent < 0 && (kind == Kind.CONTENT || kind == Kind.ANSWER)) {
      firstContent = lastByte;
      happened(new Milestone.FirstContent());
    }
  }

  @Override
  public void flush() {
    if (writer != null) {
      writer.publish();
    }
  }

  @Override
  public void ended(Terminal terminal) {
    happened(new Milestone.Ended(terminal));
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
      case Effect.Start() -> {
        writer = log.begin();
        Upstream.Exchange begun = upstream.call(Objects.requireNonNull(request), this);
        // It may have ended, or been stopped, before it was handed over.
        if (state.phase() == Phase.CLOSED) {
          begun.abort();
        } else {
          exchange = begun;
        }
      }
      case Effect.Abort() -> {
        if (exchange != null) {
          exchange.abort();
          exchange = null;
        }
      }
      case Effect.Close(Terminal terminal) -> close(terminal);
    }
  }

  private void close(Terminal terminal) {
    closedAt = clock.nanos();
    exchange = null;
    request = null;
    if (writer == null) {
      writer = log.begin();
    }
    // The registry forgets first: whoever is woken by the end and asks again finds no log in
    // flight.
    owner.closing(this, terminal);
    writer.close(terminal, clock.millis());
    writer = null;
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
    /// Its log is about to close, but no reader knows yet.
    void closing(Call call, Terminal terminal);

    /// Its log is closed.
    void closed(Call call);

    /// A run has ended, once each: as [Journal#ended].
    void ended(Run run, long firstContent, long total);
  }

  /// One run's place at this log: counts its readers, on the log's loop.
  private final class Seat implements Run.Owner {
    private final @Nullable Seat before;
    private final Run run;
    private final Duration grace;
    private final long since = clock.nanos();
    private int present;

    Seat(String id, Run.About about, Duration grace, @Nullable Seat before) {
      this.before = before;
      this.run = new Run(id, about, clock.millis(), log, this);
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
        if (state.alive() == 1 && !run.isCut()) {
          stop(Terminal.CANCELLED);
        } else if (run.cut(clock.millis())) {
          ended();
          happened(new Milestone.Cancelled(present > 0));
        }
      });
    }

    private void ended() {
      long first = firstContent < 0 ? -1 : Math.max(0, firstContent - since);
      owner.ended(run, first, clock.nanos() - since);
    }
  }
}
