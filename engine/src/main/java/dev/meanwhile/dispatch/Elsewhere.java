package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A run that is not in this process's memory: it ended long ago, or another node writes it. Its
/// log is filled from the store, with the same offsets and bytes; while somebody reads it and it
/// has not ended, the store is asked for more. A stop is a request to its owner. Only on one loop.
final class Elsewhere implements Run.Owner {
  /// With the owner's own second, a reader here is at most a second and a half behind.
  private static final Duration ROUND = Duration.ofMillis(500);

  private static final String UNREADABLE = "What was stored of this run cannot be read.";

  private static final Terminal GONE =
      Terminal.failed(new Failure(404, "run_erased", "This run was erased while it was read."));

  private final Store store;
  private final Clock clock;
  private final BooleanSupplier stopping;
  private final RunLog log;
  private final Run run;
  private final String id;
  private final long began;
  private final List<Piece> pieces = new ArrayList<>();

  /// Null before the first attempt.
  private @Nullable LogWriter writer;

  private boolean asking;

  private Elsewhere(Store store, Clock clock, BooleanSupplier stopping, StoredRun stored) {
    this.store = store;
    this.clock = clock;
    this.stopping = stopping;
    this.id = stored.id();
    long age = Duration.ofMillis(clock.millis() - stored.log().createdAt()).toNanos();
    this.began = clock.nanos() - age;
    this.log = new RunLog(clock, began, 1 << 30);
    this.run = new Run(id, Encoding.about(stored.about()), stored.createdAt(), log, this);
  }

  /// Looks for a run in the store. `found` is told on the loop: the run, or null if there is none;
  /// or why the store does not say.
  ///
  /// @param stopping whether all that is read here is to end
  static void find(
      Store store,
      Clock clock,
      BooleanSupplier stopping,
      String id,
      String tenant,
      Store.Reply<@Nullable Run> found) {
    store.find(
        id,
        new Store.Reply<@Nullable StoredRun>() {
          @Override
          public void is(@Nullable StoredRun stored) {
            clock.execute(() -> {
              if (stored == null || !stored.tenant().equals(tenant)) {
                found.is(null);
                return;
              }
              Elsewhere elsewhere;
              try {
                elsewhere = new Elsewhere(store, clock, stopping, stored);
              } catch (UncheckedIOException e) {
                found.failed(UNREADABLE);
                return;
              }
              elsewhere.fill(stored, () -> found.is(elsewhere.run), found);
            });
          }

          @Override
          public void failed(String trouble) {
            clock.execute(() -> found.failed(trouble));
          }
        });
  }

  /// A run of which all that the store has is at hand.
  static Run of(Store store, Clock clock, StoredRun stored, List<Piece> pieces) {
    var elsewhere = new Elsewhere(store, clock, () -> false, stored);
    try {
      elsewhere.append(stored, pieces);
    } catch (IOException | UncheckedIOException e) {
      elsewhere.close(Terminal.failed(new Failure(500, "run_unreadable", UNREADABLE)));
    }
    return elsewhere.run;
  }

  /// Appends what the store has and this log has not.
  ///
  /// @param otherwise is told that the run is gone, or why it cannot be read
  private void fill(StoredRun stored, Runnable done, Store.Reply<@Nullable Run> otherwise) {
    store.pieces(
        stored.log().id(),
        pieces.size(),
        new Store.Reply<>() {
          @Override
          public void is(List<Piece> more) {
            clock.execute(() -> {
              int last = more.isEmpty() ? log.end() : more.getLast().end();
              if (last < stored.log().end()) {
                // It was erased between the two questions.
                otherwise.is(null);
                return;
              }
              try {
                append(stored, more);
              } catch (IOException | UncheckedIOException e) {
                otherwise.failed(UNREADABLE);
                return;
              }
              done.run();
            });
          }

          @Override
          public void failed(String trouble) {
            clock.execute(() -> otherwise.failed(trouble));
          }
        });
  }

  private void append(StoredRun stored, List<Piece> more) throws IOException {
    if (log.terminal() != null) {
      return;
    }
    StoredLog now = stored.log();
    Terminal terminal = Encoding.terminal(now);
    LogWriter current = writer;
    if (now.attempt() > log.attempt() || current == null && (!more.isEmpty() || terminal != null)) {
      current = log.begin(Math.max(1, now.attempt()));
      writer = current;
    }
    if (current == null) {
      // It waits for its first attempt.
      cut(stored);
      return;
    }
    if (now.head() != null) {
      current.head(Encoding.head(now.head()));
    }
    if (!more.isEmpty()) {
      var all = new ArrayList<>(pieces);
      all.addAll(more);
      Deflated.read(all, log.end(), current, began);
      pieces.addAll(more);
    }
    current.publish();
    cut(stored);
    if (terminal != null) {
      current.close(terminal, now.endedAt());
    }
  }

  private void cut(StoredRun stored) {
    if (stored.cutAt() > 0) {
      run.cut(stored.cutEnd(), stored.cutAt(), Terminal.CANCELLED);
    }
  }

  private void ask() {
    if (asking || run.terminal() != null || run.readers() == 0) {
      return;
    }
    asking = true;
    clock.after(ROUND, this::look);
  }

  private void look() {
    if (stopping.getAsBoolean()) {
      close(Step.MOVED);
      return;
    }
    store.find(
        id,
        new Store.Reply<@Nullable StoredRun>() {
          @Override
          public void is(@Nullable StoredRun stored) {
            clock.execute(() -> {
              if (stored == null) {
                close(GONE);
              } else {
                fill(stored, Elsewhere.this::again, otherwise);
              }
            });
          }

          @Override
          public void failed(String trouble) {
            clock.execute(Elsewhere.this::again);
          }
        });
  }

  private final Store.Reply<@Nullable Run> otherwise =
      new Store.Reply<>() {
        @Override
        public void is(@Nullable Run gone) {
          close(GONE);
        }

        @Override
        public void failed(String trouble) {
          if (trouble.equals(UNREADABLE)) {
            close(Terminal.failed(new Failure(500, "run_unreadable", UNREADABLE)));
          } else {
            again();
          }
        }
      };

  private void close(Terminal terminal) {
    LogWriter current = writer == null ? log.begin() : writer;
    current.close(terminal, clock.millis());
  }

  private void again() {
    asking = false;
    ask();
  }

  @Override
  public void returned() {
    clock.execute(this::ask);
  }

  @Override
  public void left() {}

  @Override
  public void cancel(Terminal how) {
    if (run.terminal() == null) {
      store.write(new Change.CancelRequested(id), _ -> {});
    }
  }

  @Override
  public void keep(Consumer<@Nullable String> done) {
    clock.execute(() -> done.accept(null));
  }
}
