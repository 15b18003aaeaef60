package dev.meanwhile.server.config;

import com.github.kagkarlsson.scheduler.task.schedule.CronSchedule;
import com.github.kagkarlsson.scheduler.task.schedule.CronStyle;
import java.time.Instant;
import java.time.ZoneId;

/// Points in time as crontab writes them, in the time zone of this machine.
public record Cron(CronSchedule schedule) {
  /// @throws IllegalArgumentException if this is none, or no time is meant by it
  static Cron parse(String text) {
    try {
      var cron = new Cron(new CronSchedule(text, ZoneId.systemDefault(), CronStyle.UNIX));
      if (cron.schedule.isDisabled() || cron.after(0) < 0) {
        throw new Wrong("no time is meant by it");
      }
      return cron;
    } catch (RuntimeException e) {
      throw e instanceof Wrong wrong ? wrong : new IllegalArgumentException(e);
    }
  }

  /// The first time after `millis` since 1970.
  public long after(long millis) {
    return schedule.getInitialExecutionTime(Instant.ofEpochMilli(millis)).toEpochMilli();
  }
}
