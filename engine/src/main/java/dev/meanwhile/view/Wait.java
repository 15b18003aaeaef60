package dev.meanwhile.view;

import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/// Waits for the end of a run: the synchronous view. Everything happens on the reader's loop.
public final class Wait implements LogReader.Follower {
  private final Run run;
  private final Executor loop;
  private final Consumer<Run> ended;
  private boolean over;

  /// @param loop the reader's loop: runs a task at once when called there, else later on it
  /// @param ended is called once, when the run has a terminal event
  public Wait(Run run, Executor loop, Consumer<Run> ended) {
    this.run = run;
    this.loop = loop;
    this.ended = ended;
  }

  public void begin() {
    run.enter();
    run.follow(this);
  }

  /// The reader goes away; it hears nothing more. Idempotent.
  public void stop() {
    if (!over) {
      over = true;
      run.unfollow(this);
      run.leave();
    }
  }

  @Override
  public void wake() {
    if (run.terminal() != null) {
      loop.execute(() -> {
        if (!over) {
          stop();
          ended.accept(run);
        }
      });
    }
  }
}
