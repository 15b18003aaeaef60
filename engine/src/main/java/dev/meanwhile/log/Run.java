package dev.meanwhile.log;

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/// One accepted call, and the caller's handle: it reads one log, and several runs may share that
/// log.
///
/// A run is a reader's face of its log with two things of its own: whether it was cancelled (then
/// it ends where it was cut, whatever the log does), and how many readers are with it now.
/// Thread-safe.
public final class Run implements LogReader {
  private static final AtomicIntegerFieldUpdater<Run> READERS =
      AtomicIntegerFieldUpdater.newUpdater(Run.class, "readers");

  private final String id;
  private final About about;
  private final long createdAt;
  private final RunLog log;
  private final Owner owner;
  private volatile int readers;

  /// Written before `cut`, so that whoever sees that sees this.
  private long cutAt;

  private volatile int cut = Integer.MAX_VALUE;

  /// @param createdAt when it was accepted, in milliseconds since 1970
  /// @param owner is told when the last reader leaves, when one returns, and of a cancel
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

  public long createdAt() {
    return createdAt;
  }

  /// The log, which other runs may share.
  public RunLog log() {
    return log;
  }

  /// How many readers are with the run now.
  public int readers() {
    return readers;
  }

  /// A reader comes; each [#enter] is followed by one [#leave].
  public void enter() {
    if (READERS.getAndIncrement(this) == 0) {
      owner.returned();
    }
  }

  /// A reader goes.
  public void leave() {
    if (READERS.decrementAndGet(this) == 0) {
      owner.left();
    }
  }

  /// Ends this run, cancelled, where the log stands now; nothing happens if either has ended. Only
  /// the log's loop may call, so that a log's end and a cancel are never in a race.
  ///
  /// @param millis now, in milliseconds since 1970
  /// @return whether this call ended the run
  public boolean cut(long millis) {
    if (cut != Integer.MAX_VALUE || log.terminal() != null) {
      return false;
    }
    cutAt = millis;
    cut = log.end();
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

  @Override
  public @Nullable Terminal terminal() {
    return isCut() ? Terminal.CANCELLED : log.terminal();
  }

  @Override
  public @Nullable Head head() {
    return log.head();
  }

  @Override
  public int attempt() {
    return log.attempt();
  }

  @Override
  public Kind kind(int offset) {
    return log.kind(offset);
  }

  @Override
  public long micros(int offset) {
    return log.micros(offset);
  }

  @Override
  public int size(int from, int to) {
    return log.size(from, to);
  }

  @Override
  public void read(int from, int to, Piece piece) {
    log.read(from, to, piece);
  }

  @Override
  public void follow(Follower follower) {
    log.follow(follower);
  }

  @Override
  public void unfollow(Follower follower) {
    log.unfollow(follower);
  }

  /// Stops this run: final, idempotent; the text so far is kept, and the other runs of the log go
  /// on. The upstream's call is stopped with the last run.
  public void cancel() {
    owner.cancel();
  }

  /// What a run is of.
  ///
  /// @param tenant whose it is; nobody else learns that it exists
  /// @param api the dialect its caller speaks: `chat`, `embeddings`
  /// @param upstream the name of the configured upstream
  /// @param model the model's name as its caller gave it
  /// @param streamed whether its caller asked for a stream
  /// @param attached whether it began to read a log that existed
  public record About(
      String tenant,
      String api,
      String upstream,
      String model,
      boolean streamed,
      boolean attached) {
    /// The same, of a run that reads a log which exists.
    public About attaching() {
      return new About(tenant, api, upstream, model, streamed, true);
    }
  }

  /// Who decides about a run; called on any thread.
  public interface Owner {
    /// The last reader has left.
    void left();

    /// A reader is there again, or for the first time.
    void returned();

    /// The run is to be stopped.
    void cancel();
  }
}
