package dev.meanwhile.server;

import dev.meanwhile.budget.Clock;
import io.netty.channel.EventLoop;
import io.vertx.core.Context;
import io.vertx.core.internal.ContextInternal;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/// The time and the thread of one Vert.x event loop.
public final class VertxClock implements Clock {
  private final EventLoop loop;

  /// @param context a context of the loop
  public VertxClock(Context context) {
    this.loop = ((ContextInternal) context).nettyEventLoop();
  }

  @Override
  public long nanos() {
    return System.nanoTime();
  }

  @Override
  public long millis() {
    return System.currentTimeMillis();
  }

  @Override
  public void execute(Runnable task) {
    if (loop.inEventLoop()) {
      task.run();
    } else {
      loop.execute(task);
    }
  }

  @Override
  public Timer after(Duration delay, Runnable task) {
    var timer = loop.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    return () -> timer.cancel(false);
  }
}
