package dev.meanwhile.store.jdbc;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.github.kagkarlsson.scheduler.task.schedule.FixedDelay;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// What happens at a time, by db-scheduler: once, also where there are many nodes. After a pause of
/// this process a task can run twice at a time, so what they do is idempotent.
final class Timetable {
  private static final Duration POLL = Duration.ofSeconds(10);

  /// After [#MISSED] that do not come, another process, or the next of this node, takes over what a
  /// killed one was doing; until then notices that it had claimed are not sent.
  private static final Duration HEARTBEAT = Duration.ofSeconds(5);

  private static final int MISSED = 4;

  private static final Duration RETAIN = Duration.ofMinutes(1);
  private static final Duration DUE = Duration.ofSeconds(10);
  private static final Duration STOP = Duration.ofSeconds(5);

  /// Nothing here is so urgent that the first calls after a start should wait for it.
  private static final Duration LATER = Duration.ofSeconds(1);

  private final Database database;
  private final String node;
  private final Retain retain;
  private final Runnable due;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread starting = Threads.named("store-timetable", this::run);
  private volatile @Nullable Scheduler scheduler;

  /// @param due looks for notices that are due, without waiting for what it finds
  Timetable(Database database, String node, Retain retain, Runnable due) {
    this.database = database;
    this.node = node;
    this.retain = retain;
    this.due = due;
  }

  void start() {
    starting.start();
  }

  private void run() {
    try {
      if (!closing.await(LATER.toMillis(), TimeUnit.MILLISECONDS)) {
        Scheduler made =
            Scheduler.create(database.scheduling())
                .startTasks(
                    Tasks.recurring("retention", FixedDelay.of(RETAIN))
                        .execute((_, _) -> retain.run()),
                    Tasks.recurring("notices", FixedDelay.of(DUE)).execute((_, _) -> due.run()))
                .schedulerName(new SchedulerName.Fixed("meanwhile " + node))
                .threads(2)
                .pollingInterval(POLL)
                .heartbeatInterval(HEARTBEAT)
                .missedHeartbeatsLimit(MISSED)
                .shutdownMaxWait(STOP)
                .build();
        scheduler = made;
        made.start();
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /// Waits a little for what is being done.
  void close() {
    closing.countDown();
    Threads.join(starting);
    Scheduler started = scheduler;
    if (started != null) {
      started.stop();
    }
  }
}
