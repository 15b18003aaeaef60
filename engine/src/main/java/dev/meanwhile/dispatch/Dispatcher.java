package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.upstream.Upstream;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/// Accepts calls on one loop: finds a log that is being written and can serve, or begins one.
public final class Dispatcher {
  /// What loops share.
  ///
  /// @param runs every run that is kept, by its id
  /// @param open how many runs have not ended
  /// @param coalesce logs in flight by their keys
  /// @param journal is told of every run
  public record Shared(
      ConcurrentHashMap<String, Run> runs,
      AtomicInteger open,
      Coalesce coalesce,
      Journal journal) {}

  /// The limits of one loop.
  ///
  /// @param maxRun the most bytes of one log
  /// @param maxOpen the most runs, over all loops, that have not ended
  /// @param keep how long a log is kept after its end
  /// @param keepBytes about how many bytes of ended logs this loop keeps
  public record Limits(int maxRun, int maxOpen, Duration keep, long keepBytes) {}

  private final Clock clock;
  private final Upstream upstream;
  private final Shared shared;
  private final Limits limits;
  private final RunIds ids = new RunIds();
  private final Keep keep;
  private final Set<Call> open = new LinkedHashSet<>();
  private final Call.Owner owner =
      new Call.Owner() {
        @Override
        public void closing(Call call, Terminal terminal) {
          Dispatcher.this.closing(call, terminal);
        }

        @Override
        public void closed(Call call) {
          keep.ended(call);
        }

        @Override
        public void ended(Run run, long firstContent, long total) {
          Dispatcher.this.ended(run, firstContent, total);
        }
      };
  private boolean stopping;

  public Dispatcher(Clock clock, Upstream upstream, Shared shared, Limits limits) {
    this.clock = clock;
    this.upstream = upstream;
    this.shared = shared;
    this.limits = limits;
    this.keep = new Keep(clock, limits.keep(), limits.keepBytes(), this::forget);
  }

  /// Takes one call. `answer` is told on this loop, at once or later: a run, or why there is none.
  /// Only on this loop.
  public void accept(Submission submission, Answer answer) {
    if (stopping) {
      answer.refused(
          new Failure(
              503, "shutting_down", "This server is stopping. Try again: another will answer."));
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
    Call found = shared.coalesce().find(submission);
    if (found == null) {
      begin(submission, answer);
    } else {
      attach(found, submission, answer);
    }
  }

  private void begin(Submission submission, Answer answer) {
    var call = new Call(clock, upstream, submission, limits.maxRun(), owner);
    Call winner = shared.coalesce().register(call, submission);
    if (winner != call) {
      attach(winner, submission, answer);
      return;
    }
    open.add(call);
    Run run = join(call, submission, submission.about(), ids.next(clock.millis()));
    call.begin();
    answer.accepted(run);
  }

  /// The log may close between being found and being joined on its own loop: then we begin anew.
  private void attach(Call call, Submission submission, Answer answer) {
    String id = ids.next(clock.millis());
    Run.About about = submission.about().attaching();
    call.clock()
        .execute(() -> {
          if (call.isOpenTo(shared.coalesce().window(submission))) {
            Run run = join(call, submission, about, id);
            handOver(call, run, answer);
          } else {
            clock.execute(() -> begin(submission, answer));
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

  private Run join(Call call, Submission submission, Run.About about, String id) {
    Run run = call.join(id, about, submission.grace(), submission.onLeave());
    shared.runs().put(run.id(), run);
    shared.journal().began(run);
    if (run.log().terminal() != null) {
      // An SDK came back after the end: all is there at once.
      ended(run, 0, 0);
    }
    return run;
  }

  private void ended(Run run, long firstContent, long total) {
    shared.open().decrementAndGet();
    shared.journal().ended(run, firstContent, total);
  }

  private void closing(Call call, Terminal terminal) {
    open.remove(call);
    shared
        .coalesce()
        .closing(
            call, terminal.status() == Status.COMPLETED || terminal.status() == Status.INCOMPLETE);
  }

  private void forget(Call call) {
    shared.coalesce().forget(call);
    call.forEachRun(run -> shared.runs().remove(run.id()));
  }

  /// From now on nothing is accepted, and what nobody watches is stopped.
  public void stopAccepting() {
    clock.execute(() -> {
      stopping = true;
      List.copyOf(open).stream()
          .filter(call -> !call.isWatched())
          .forEach(call -> call.stop(Terminal.CANCELLED));
    });
  }

  /// Ends all that is still open.
  public void stopAll(Failure why) {
    clock.execute(() -> List.copyOf(open).forEach(call -> call.stop(Terminal.failed(why))));
  }

  /// Is told what became of a call.
  public interface Answer {
    void accepted(Run run);

    /// There is no run: say so to the caller.
    void refused(Failure failure);
  }
}
