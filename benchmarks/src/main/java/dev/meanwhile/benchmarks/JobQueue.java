package dev.meanwhile.benchmarks;

import com.github.kagkarlsson.scheduler.SchedulerClient;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.storage.sql.sqlite.SqLiteStorageProvider;
import org.jobrunr.utils.mapper.gson.GsonJsonMapper;

/// A peer of the async benchmark: a library that keeps jobs in a database, used as its
/// documentation says, without a worker. A job is there when [#enqueue] returns.
sealed interface JobQueue extends AutoCloseable {
  /// As it is called in reports.
  String title();

  /// Keeps one job; `number` makes it distinct, `payload` is its work. Called by many threads.
  void enqueue(long number, String payload);

  @Override
  void close();

  /// Where jobs are kept.
  sealed interface Place {
    HikariDataSource open(int callers);

    /// A file: one connection, as SQLite has one writer, whose commits are on the disk.
    record Sqlite(Path file) implements Place {
      @Override
      public HikariDataSource open(int callers) {
        var config = new HikariConfig();
        config.setJdbcUrl("jdbc:sqlite:" + file + "?journal_mode=WAL&synchronous=FULL");
        config.setMaximumPoolSize(1);
        config.setConnectionTimeout(60_000);
        return new HikariDataSource(config);
      }
    }

    /// A database of a server: a connection for each caller, so that none waits for one.
    record Postgres(String url) implements Place {
      @Override
      public HikariDataSource open(int callers) {
        var config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(callers);
        config.setConnectionTimeout(60_000);
        return new HikariDataSource(config);
      }
    }
  }

  /// db-scheduler: a row in `scheduled_tasks` for each job.
  record DbScheduler(SchedulerClient client, OneTimeTask<String> task, HikariDataSource pool)
      implements JobQueue {
    static JobQueue open(Place place, int callers) throws SQLException, IOException {
      var pool = place.open(callers);
      try (var connection = pool.getConnection();
          var statement = connection.createStatement()) {
        for (var sql : schema(place)) {
          statement.execute(sql);
        }
      }
      var task = Tasks.oneTime("call", String.class).execute((_, _) -> {});
      return new DbScheduler(SchedulerClient.Builder.create(pool, task).build(), task, pool);
    }

    /// As its documentation has it, with its indexes.
    private static String[] schema(Place place) {
      var table =
          switch (place) {
            case Place.Sqlite _ ->
                """
                create table scheduled_tasks (
                  task_name text not null, task_instance text not null, task_data blob,
                  execution_time text not null, picked integer not null, picked_by text,
                  last_success text, last_failure text, consecutive_failures integer,
                  last_heartbeat text, version integer not null, priority integer,
                  primary key (task_name, task_instance))
                """;
            case Place.Postgres _ ->
                """
                create table scheduled_tasks (
                  task_name text not null, task_instance text not null, task_data bytea,
                  execution_time timestamp with time zone not null, picked boolean not null,
                  picked_by text, last_success timestamp with time zone,
                  last_failure timestamp with time zone, consecutive_failures int,
                  last_heartbeat timestamp with time zone, version bigint not null,
                  priority smallint, primary key (task_name, task_instance))
                """;
          };
      return new String[] {
        table,
        "create index execution_time_idx on scheduled_tasks (execution_time)",
        "create index last_heartbeat_idx on scheduled_tasks (last_heartbeat)"
      };
    }

    @Override
    public String title() {
      return "db-scheduler";
    }

    @Override
    public void enqueue(long number, String payload) {
      client.schedule(
          task.instanceBuilder(Long.toString(number)).data(payload).scheduledTo(Instant.now()),
          SchedulerClient.ScheduleOptions.WHEN_EXISTS_DO_NOTHING);
    }

    @Override
    public void close() {
      pool.close();
    }
  }

  /// JobRunr: a row in `jobrunr_jobs` for each job.
  ///
  /// Not a record: JobRunr reads its lambdas' class files, and cannot read a record's.
  final class JobRunr implements JobQueue {
    private final JobScheduler scheduler;
    private final HikariDataSource pool;

    private JobRunr(JobScheduler scheduler, HikariDataSource pool) {
      this.scheduler = scheduler;
      this.pool = pool;
    }

    static JobQueue open(Place place, int callers) {
      var pool = place.open(callers);
      var storage =
          switch (place) {
            case Place.Sqlite _ -> new SqLiteStorageProvider(pool);
            case Place.Postgres _ -> new PostgresStorageProvider(pool);
          };
      storage.setJobMapper(new JobMapper(new GsonJsonMapper()));
      return new JobRunr(new JobScheduler(storage), pool);
    }

    @Override
    public String title() {
      return "JobRunr";
    }

    @Override
    public void enqueue(long number, String payload) {
      var _ = scheduler.enqueue(() -> Job.call(number, payload));
    }

    @Override
    public void close() {
      scheduler.shutdown();
      pool.close();
    }
  }

  /// What a worker would do.
  final class Job {
    private Job() {}

    /// Nothing: none runs.
    public static void call(long number, String payload) {}
  }
}
