package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Keeps one log in the store while it is written: promises before they are answered, the rest
/// behind, at most once a second. Only on the log's loop; the store's answers are posted there.
final class Durable {
  /// A crash costs at most this much of a log, and its owner at most one small write in this time.
  static final Duration ROUND = Duration.ofSeconds(1);

  /// Answers of the upstream that say "not now": the key may be used for another try.
  private static final Set<Integer> NOT_NOW = Set.of(408, 409, 429);

  private final Store store;
  private final Clock clock;
  private final Deflated deflated;
  private final RunLog log;
  private final StoredLog first;
  private final BooleanSupplier ours;

  /// The runs over the log that are in the store.
  private final Set<String> runs = new HashSet<>(2);

  /// Those that the store was asked to take, in order, and who waits for its answer.
  private final Map<Run, List<Consumer<Outcome>>> asked = new LinkedHashMap<>(2);

  /// Answers that come after that to the first of them, as the store would give them.
  private final List<Runnable> later = new ArrayList<>(0);

  private Runnable fenced = () -> {};
  private int attempt;
  private int pieces;
  private int stored;
  private Clock.@Nullable Timer timer;
  private boolean over;

  /// @param first the log as it was when it was given to the store, or as the store gave it
  /// @param ours whether this node has held its lease since: after that nothing is written, since
  ///   the store may take it for the next owner's, who may be another call of this process
  /// @param pieces how many pieces of it are stored
  /// @param stored the offset after the last event that is stored
  Durable(
      Store store,
      Clock clock,
      Deflated deflated,
      RunLog log,
      StoredLog first,
      BooleanSupplier ours,
      int pieces,
      int stored) {
    this.store = store;
    this.clock = clock;
    this.deflated = deflated;
    this.log = log;
    this.first = first;
    this.ours = ours;
    this.attempt = first.attempt();
    this.pieces = pieces;
    this.stored = stored;
  }

  /// The id of the log in the store.
  String id() {
    return first.id();
  }

  int priority() {
    return first.priority();
  }

  /// What to do when the log turns out to be another owner's.
  void whenFenced(Runnable action) {
    fenced = action;
  }

  /// Promises a run, and the log with it if that is not in the store. The log goes there with the
  /// first run that is promised; others wait for that.
  ///
  /// @param told who is told of its end in any case
  /// @param label in which channel it is told of, or null
  void accept(
      Run run,
      @Nullable IdempotencyEntry key,
      Told told,
      @Nullable Label label,
      Consumer<Outcome> answer) {
    List<Consumer<Outcome>> waiting = asked.get(run);
    if (waiting != null) {
      waiting.add(answer);
      return;
    }
    boolean isFirst = runs.isEmpty() && asked.isEmpty();
    asked.put(run, new ArrayList<>(List.of(answer)));
    if (isFirst) {
      write(
          acceptance(run, first, key, told, label),
          outcome -> {
            List<Run> others = List.copyOf(asked.keySet());
            answered(run, outcome);
            for (Run other : others) {
              if (other.equals(run)) {
                continue;
              }
              if (outcome instanceof Outcome.Stored) {
                write(
                    acceptance(other, null, null, Told.NOBODY, null), its -> answered(other, its));
              } else {
                answered(other, outcome);
              }
            }
            later.forEach(Runnable::run);
            later.clear();
          });
    } else if (!runs.isEmpty()) {
      write(acceptance(run, null, key, told, label), outcome -> answered(run, outcome));
    }
  }

  private void answered(Run run, Outcome outcome) {
    List<Consumer<Outcome>> waiting = asked.remove(run);
    if (outcome instanceof Outcome.Stored) {
      runs.add(run.id());
    }
    if (waiting != null) {
      waiting.forEach(each -> each.accept(outcome));
    }
  }

  /// The store has this run.
  void has(String run) {
    runs.add(run);
  }

  /// Whether the store has this run.
  boolean has(Run run) {
    return runs.contains(run.id());
  }

  /// Whether the store has this run, or was asked to take it.
  boolean isAskedFor(Run run) {
    return has(run) || asked.containsKey(run);
  }

  /// Whether this node has held its lease all the time.
  boolean isOurs() {
    return ours.getAsBoolean();
  }

  /// Whether the store has the log: not while the first of its runs is promised, and never if that
  /// is refused.
  boolean isStored() {
    return !runs.isEmpty();
  }

  private Change acceptance(
      Run run,
      @Nullable StoredLog log,
      @Nullable IdempotencyEntry key,
      Told told,
      @Nullable Label label) {
    var stored =
        new StoredRun(
            run.id(),
            first,
            run.about().tenant(),
            Encoding.of(run.about()),
            run.createdAt(),
            0,
            0,
            false);
    return new Change.Accept(
        stored, log, key, told, label, run.about().api(), run.about().lasting(), lateAt(run));
  }

  private static long lateAt(Run run) {
    long budget = run.about().budget();
    return budget == 0 ? 0 : run.createdAt() + budget;
  }

  /// An attempt began.
  void started(int number) {
    attempt = number;
    writeBehind(new Change.Started(id(), number, clock.millis()));
  }

  /// The upstream has an id of its own for the answer.
  void named(String name) {
    writeBehind(new Change.Named(id(), attempt, name));
  }

  /// There is more in the log.
  void published() {
    if (timer == null && !over) {
      timer =
          clock.after(
              ROUND,
              () -> {
                timer = null;
                checkpoint();
              });
    }
  }

  private void checkpoint() {
    Piece piece = next();
    if (piece != null) {
      writeBehind(new Change.Checkpoint(id(), attempt, piece, Encoding.of(log.head())));
    }
  }

  /// The attempt failed; the next one is made at `millis`.
  void paused(long millis) {
    writeBehind(new Change.Requeued(id(), attempt, millis));
  }

  /// Promises the end.
  ///
  /// @param millis when it was, in milliseconds since 1970
  void ended(Terminal terminal, long millis, Consumer<Outcome> answer) {
    stop();
    write(
        new Change.Ended(
            id(),
            attempt,
            terminal.status().word(),
            millis,
            next(),
            Encoding.of(log.head()),
            Encoding.of(terminal),
            freesKeys(terminal)),
        answer);
  }

  /// Promises that a run was cut at `end`, and what it holds up to there.
  void cut(Run run, int end, long millis, Consumer<Outcome> answer) {
    checkpoint();
    write(new Change.Cut(id(), attempt, run.id(), end, millis), answer);
  }

  /// Nothing more is written behind.
  void stop() {
    over = true;
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }

  /// A whole answer, or a refusal that would be repeated, is replayed under its key; anything else
  /// gives it up.
  private static boolean freesKeys(Terminal terminal) {
    return switch (terminal.status()) {
      case COMPLETED, INCOMPLETE -> false;
      case FAILED -> {
        var failure = terminal.failure();
        yield failure == null || failure.status() >= 500 || NOT_NOW.contains(failure.status());
      }
      case CANCELLED, QUEUED, IN_PROGRESS -> true;
    };
  }

  /// What is in the log and not in the store, or null if all is.
  private @Nullable Piece next() {
    int end = log.end();
    if (end == stored) {
      return null;
    }
    var piece = new Piece(pieces++, end, deflated.of(log, stored, end));
    stored = end;
    return piece;
  }

  private void writeBehind(Change change) {
    write(
        change,
        outcome -> {
          if (outcome instanceof Outcome.Fenced && !over) {
            fenced.run();
          }
        });
  }

  private void write(Change change, Consumer<Outcome> answer) {
    if (!ours.getAsBoolean()) {
      Runnable told = () -> answer.accept(new Outcome.Fenced());
      if (runs.isEmpty() && !asked.isEmpty()) {
        later.add(told);
      } else {
        clock.after(Duration.ZERO, told);
      }
      return;
    }
    store.write(change, outcome -> clock.execute(() -> answer.accept(outcome)));
  }
}
