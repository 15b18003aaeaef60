package dev.meanwhile.view;

import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;

/// Follows a run from an offset to its end, as fast as its sink takes it. The log is the only
/// buffer: while the sink is full nothing is held but the offset. Everything happens on the
/// reader's loop; only the log's wake-up comes from elsewhere.
public final class Follow implements LogReader.Follower {
  private final Run run;
  private final Executor loop;
  private final Sink sink;
  private final AtomicBoolean posted = new AtomicBoolean();
  private int offset;
  private boolean full;
  private boolean over;

  /// @param from the offset of the first event wanted, 0 to the end of the run
  /// @param loop the reader's loop: runs a task at once when called there, else later on it
  public Follow(Run run, int from, Executor loop, Sink sink) {
    this.run = run;
    this.offset = from;
    this.loop = loop;
    this.sink = sink;
  }

  /// Begins; the sink is called at once with what is there.
  public void begin() {
    run.enter();
    run.follow(this);
  }

  /// The sink has room again.
  public void resume() {
    full = false;
    pump();
  }

  /// The reader goes away; the sink hears nothing more. Idempotent.
  public void stop() {
    if (!over) {
      over = true;
      run.unfollow(this);
      run.leave();
    }
  }

  /// How far this reader has come.
  public int offset() {
    return offset;
  }

  @Override
  public void wake() {
    // Many changes may come before this loop looks: one task is enough for all of them.
    if (posted.compareAndSet(false, true)) {
      loop.execute(this::pump);
    }
  }

  private void pump() {
    posted.set(false);
    while (!over && !full) {
      // In this order: once there is a terminal event, the end read after it is final.
      Terminal terminal = run.terminal();
      int end = run.end();
      if (offset < end) {
        int from = offset;
        offset = end;
        full = !sink.events(run, from, end);
      } else if (terminal != null) {
        stop();
        sink.ended(terminal);
      } else {
        return;
      }
    }
  }

  /// Where events go.
  public interface Sink {
    /// Takes the events from `from` (inclusive) to `to` (exclusive).
    ///
    /// @return false if no more should come before [Follow#resume]
    boolean events(LogReader log, int from, int to);

    /// All events were taken, and the run ended so.
    void ended(Terminal terminal);
  }
}
