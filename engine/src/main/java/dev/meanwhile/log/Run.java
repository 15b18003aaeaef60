package dev.meanwhile.log;

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One accepted call, and the caller's handle: it reads one log, as others may. Thread-safe.
public final class Run implements LogReader {
  private static final AtomicIntegerFieldUpdater<Run> READERS =
      AtomicIntegerFieldUpdater.newUpdater(Run.class, "readers");

  private final String id;
  private final About about;
  private final long createdAt;
  private final RunLog log;
  private final Owner owner;
  private volatile int readers;

  /// Written before `cut`, so that whoever sees that sees these.
  private long cutAt;

  private Terminal cutBy = Terminal.CANCELLED;

  private volatile int cut = Integer.MAX_VALUE;

  public Run(String id, About about, long createdAt, RunLog log, Owner owner) {
    this.id = id;
    this.about = about;
    this.createdAt = createdAt;
    this.log = log;
    this.owner = owner;
  }

  public String id() {
    return id;
  }

  public About about() {
    return about;
  }

  /// When it was accepted, in milliseconds since 1970.
  public long createdAt() {
    return createdAt;
  }

  @Override
  public RunLog log() {
    return log;
  }

  public int readers() {
    return readers;
  }

  /// A reader comes; each [#enter] is followed by one [#leave].
  public void enter() {
    if (READERS.getAndIncrement(this) == 0) {
      owner.returned();
    }
  }

  public void leave() {
    if (READERS.decrementAndGet(this) == 0) {
      owner.left();
    }
  }

  /// Ends this run, as `how` says, at `end`, `millis` after the beginning of 1970; false if it or
  /// its log has ended. Only the log's loop may call, so that an end and a cancel are never in a
  /// race.
  public boolean cut(int end, long millis, Terminal how) {
    if (cut != Integer.MAX_VALUE || log.terminal() != null) {
      return false;
    }
    cutAt = millis;
    cutBy = how;
    cut = end;
    log.wake();
    return true;
  }

  /// When it ended, in milliseconds since 1970; only once there is a terminal event.
  public long endedAt() {
    return isCut() ? cutAt : log.closedAt();
  }

  /// Whether the run itself was cancelled.
  public boolean isCut() {
    return cut != Integer.MAX_VALUE;
  }

  @Override
  public int end() {
    return Math.min(cut, log.end());
  }

  /// Never after [#end()]: a log whose run was cancelled may go on with another attempt.
  @Override
  public int start() {
    int start = Math.min(log.start(), end());
    for (; start > 0 && kind(start - 1) != Kind.RESTARTED; start--) {}
    return start;
  }

  @Override
  public @Nullable Terminal terminal() {
    return isCut() ? cutBy : log.terminal();
  }

  /// Stops this run, cancelled as `how` says: final, idempotent; the text so far is kept, and the
  /// other runs of the log go on. The upstream's call is stopped with the last run.
  public void cancel(Terminal how) {
    owner.cancel(how);
  }

  /// Has this run kept by the store; `done` gets null, or why it is not, on the log's loop.
  public void keep(Consumer<@Nullable String> done) {
    owner.keep(done);
  }

  /// What a run is of.
  ///
  /// @param tenant whose it is; nobody else learns that it exists
  /// @param api the dialect its caller speaks: `chat`, `embeddings`, `responses`
  /// @param upstream the name of the configured upstream
  /// @param model the model's name as its caller gave it
  /// @param streamed whether its caller asked for a stream
  /// @param attached whether it began to read a log that existed
  /// @param base64 whether its caller asked for embeddings in base64
  /// @param asked the request as its caller made it, where the run's view needs it; else null
  /// @param lasting whether it is kept for longer than others: only where `asked` is there
  /// @param operation the name of the operation that was called, or null
  /// @param budget in how many milliseconds it should end, where nobody waits; 0 if none are said
  public record About(
      String tenant,
      String api,
      String upstream,
      String model,
      boolean streamed,
      boolean attached,
      boolean base64,
      @Nullable String asked,
      boolean lasting,
      @Nullable String operation,
      long budget) {
    public About attaching() {
      return new About(
          tenant, api, upstream, model, streamed, true, base64, asked, lasting, operation, budget);
    }
  }

  /// Who decides about a run; called on any thread.
  public interface Owner {
    /// The last reader has left.
    void left();

    /// A reader is there again, or for the first time.
    void returned();

    /// The run is to be stopped, cancelled as `how` says.
    void cancel(Terminal how);

    /// The run is to outlive the process.
    void keep(Consumer<@Nullable String> done);
  }
}
