package dev.meanwhile.store.jdbc;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.github.kagkarlsson.scheduler.task.schedule.FixedDelay;
import java.time.Duration;

/// What happens at a time, by db-scheduler: once, also where there are many nodes. After a pause of
/// this process a task can run twice at a time, so what they do is idempotent.
final class Timetable {
  private static final Duration POLL = Duration.ofSeconds(10);
  private static final Duration RETAIN = Duration.ofMinutes(1);
  private static final Duration STOP = Duration.ofSeconds(5);

  private final Scheduler scheduler;

  Timetable(Database database, String node, Retain retain) {
    scheduler =
        Scheduler.create(database.scheduling())
            .startTasks(
                Tasks.recurring("retention", FixedDelay.of(RETAIN)).execute((_, _) -> retain.run()))
            .schedulerName(new SchedulerName.Fixed("meanwhile " + node))
            .threads(1)
            .pollingInterval(POLL)
            .shutdownMaxWait(STOP)
            .build();
  }

  void start() {
    scheduler.start();
  }

  /// Waits a little for what is being done.
  void close() {
    scheduler.stop();
  }
}
