package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
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

  /// The runs over the log that are in the store.
  private final Set<String> runs = new HashSet<>(2);

  private int attempt;
  private int pieces;
  private int stored;
  private Clock.@Nullable Timer timer;
  private boolean over;

  /// When the end was given to the store, 0 before.
  private long endedAt;

  /// @param first the log as it was when it was given to the store, or as the store gave it
  /// @param pieces how many pieces of it are stored
  /// @param stored the offset after the last event that is stored
  Durable(
      Store store,
      Clock clock,
      Deflated deflated,
      RunLog log,
      StoredLog first,
      int pieces,
      int stored) {
    this.store = store;
    this.clock = clock;
    this.deflated = deflated;
    this.log = log;
    this.first = first;
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

  /// Promises a run, and the log with it.
  void accept(Run run, @Nullable IdempotencyEntry key, Consumer<Outcome> answer) {
    has(run.id());
    write(new Change.Accept(stored(run), first, key), answer);
  }

  /// Promises one more run over the log.
  void accept(Run run, Consumer<Outcome> answer) {
    has(run.id());
    write(new Change.Accept(stored(run), null, null), answer);
  }

  /// The store has this run.
  void has(String run) {
    runs.add(run);
  }

  /// Whether the store has this run, or was asked to.
  boolean knows(Run run) {
    return runs.contains(run.id());
  }

  private StoredRun stored(Run run) {
    return new StoredRun(
        run.id(),
        first,
        run.about().tenant(),
        Encoding.of(run.about()),
        run.createdAt(),
        0,
        0,
        false);
  }

  /// An attempt began.
  void started(int number, Consumer<Outcome> fenced) {
    attempt = number;
    write(new Change.Started(id(), number, clock.millis()), fenced);
  }

  /// There is more in the log.
  void published() {
    if (timer == null && !over) {
      timer =
          clock.after(
              ROUND,
              () -> {
                timer = null;
                Piece piece = next();
                if (piece != null && !over) {
                  write(
                      new Change.Checkpoint(id(), attempt, piece, Encoding.of(log.head())),
                      _ -> {});
                }
              });
    }
  }

  /// The attempt failed; the next one is made at `millis`.
  void paused(long millis) {
    write(new Change.Requeued(id(), attempt, millis), _ -> {});
  }

  /// Promises the end.
  void ended(Terminal terminal, Consumer<Outcome> answer) {
    stop();
    endedAt = clock.millis();
    write(
        new Change.Ended(
            id(),
            attempt,
            terminal.status().word(),
            endedAt,
            next(),
            Encoding.of(log.head()),
            Encoding.of(terminal),
            freesKeys(terminal)),
        answer);
  }

  /// When it ended as the store has it, or `now` if the store was not told of an end.
  long endedAt(long now) {
    return endedAt == 0 ? now : endedAt;
  }

  /// Promises that a run was cut at `end`.
  void cut(Run run, int end, long millis, Consumer<Outcome> answer) {
    if (knows(run)) {
      write(new Change.Cut(id(), attempt, run.id(), end, millis), answer);
    } else {
      answer.accept(new Outcome.Stored());
    }
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

  private void write(Change change, Consumer<Outcome> answer) {
    store.write(change, outcome -> clock.execute(() -> answer.accept(outcome)));
  }
}
