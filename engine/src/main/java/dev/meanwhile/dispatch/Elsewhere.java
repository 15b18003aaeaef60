package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A run that is not in this process's memory: it ended long ago, or another node writes it. Its
/// log is filled from the store, with the same offsets and bytes; while somebody reads it and it
/// has not ended, the store is asked for more. A stop is a request to its owner. Only on one loop.
final class Elsewhere implements Run.Owner {
  /// With the owner's own second, a reader here is at most a second and a half behind.
  private static final Duration ROUND = Duration.ofMillis(500);

  private final Store store;
  private final Clock clock;
  private final RunLog log;
  private final Run run;
  private final String id;
  private final long began;
  private final List<Piece> pieces = new ArrayList<>();
  private LogWriter writer;
  private boolean asking;

  private Elsewhere(Store store, Clock clock, StoredRun stored) {
    this.store = store;
    this.clock = clock;
    this.id = stored.id();
    long age = Duration.ofMillis(clock.millis() - stored.log().createdAt()).toNanos();
    this.began = clock.nanos() - age;
    this.log = new RunLog(clock, began, 1 << 30);
    this.writer = log.begin(Math.max(1, stored.log().attempt()));
    this.run = new Run(id, Encoding.about(stored.about()), stored.createdAt(), log, this);
  }

  /// Looks for a run in the store. `found` is told on the loop: the run, or null if there is none;
  /// or why the store does not say.
  static void find(
      Store store, Clock clock, String id, String tenant, Store.Reply<@Nullable Run> found) {
    store.find(
        id,
        new Store.Reply<@Nullable StoredRun>() {
          @Override
          public void is(@Nullable StoredRun stored) {
            clock.execute(() -> {
              if (stored == null || !stored.tenant().equals(tenant)) {
                found.is(null);
              } else {
                var elsewhere = new Elsewhere(store, clock, stored);
                elsewhere.fill(stored, () -> found.is(elsewhere.run), found::failed);
              }
            });
          }

          @Override
          public void failed(String trouble) {
            clock.execute(() -> found.failed(trouble));
          }
        });
  }

  /// Appends what the store has and this log has not.
  private void fill(StoredRun stored, Runnable done, Consumer<String> failed) {
    store.pieces(
        stored.log().id(),
        pieces.size(),
        new Store.Reply<>() {
          @Override
          public void is(List<Piece> more) {
            clock.execute(() -> {
              try {
                append(stored, more);
                done.run();
              } catch (IOException e) {
                failed.accept(String.valueOf(e.getMessage()));
              }
            });
          }

          @Override
          public void failed(String trouble) {
            clock.execute(() -> failed.accept(trouble));
          }
        });
  }

  private void append(StoredRun stored, List<Piece> more) throws IOException {
    if (log.terminal() != null) {
      return;
    }
    StoredLog now = stored.log();
    if (now.attempt() > log.attempt()) {
      writer = log.begin(now.attempt());
    }
    if (now.head() != null) {
      writer.head(Encoding.head(now.head()));
    }
    if (!more.isEmpty()) {
      pieces.addAll(more);
      Deflated.read(pieces, log.end(), writer, began);
    }
    writer.publish();
    if (stored.cutAt() > 0) {
      run.cut(stored.cutEnd(), stored.cutAt());
    }
    if (now.terminal() != null) {
      writer.close(Encoding.terminal(now.terminal()), now.endedAt());
    }
  }

  private void ask() {
    if (asking || run.terminal() != null || run.readers() == 0) {
      return;
    }
    asking = true;
    clock.after(
        ROUND,
        () ->
            store.find(
                id,
                new Store.Reply<@Nullable StoredRun>() {
                  @Override
                  public void is(@Nullable StoredRun stored) {
                    clock.execute(() -> {
                      if (stored == null) {
                        writer.close(Step.MOVED, clock.millis());
                      } else {
                        fill(stored, Elsewhere.this::again, _ -> again());
                      }
                    });
                  }

                  @Override
                  public void failed(String trouble) {
                    clock.execute(Elsewhere.this::again);
                  }
                }));
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
  public void cancel() {
    if (run.terminal() == null) {
      store.write(new Change.CancelRequested(id), _ -> {});
    }
  }

  @Override
  public void keep(Consumer<@Nullable String> done) {
    clock.execute(() -> done.accept(null));
  }
}
