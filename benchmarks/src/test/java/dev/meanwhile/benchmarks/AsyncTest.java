package dev.meanwhile.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AsyncTest {
  private static final long MILLISECOND = 1_000_000;

  @Test
  void reportsGoals() {
    var results = List.of(result("SQLite", 9, 150), result("PostgreSQL", 11, 600));
    assertThat(AsyncReport.tables(results, AsyncPlan.quick(64)))
        .startsWith("| kept by 64 callers, /s | SQLite | PostgreSQL |")
        .contains("| db-scheduler, in process | 150 | 600 |")
        .contains(
            "| SQLite: p99 from POST to 202 at half the most | ≤ 10.00 ms | 9.00 ms | reached |")
        .contains("(5 × its rate wanted, 6.7 × measured) | ≤ 0.20 | 0.15 | reached |")
        .contains("(2 × its rate wanted, 1.7 × measured) | ≤ 0.50 | 0.60 | **not reached** |")
        .contains("| disk per 100,000 finished runs, MB (scaled from) | 20.0 (10,000) |");
  }

  @Test
  void tellsGrowthOfLastThird() {
    var samples =
        List.of(
            sample(1, 900),
            sample(2, 100),
            sample(3, 100),
            sample(4, 50),
            sample(5, 120),
            sample(6, 60));
    assertThat(new EnduranceReport.Steady(samples, 0).growth(EnduranceReport.Sample::data))
        .isEqualTo(1.2);
  }

  @Test
  void callsOfOpenLoadAreAllAnswered() throws IOException {
    try (var loop = Loop.sleeping()) {
      var origin = new Origin(loop, 1);
      try (var load = new OpenLoad(loop, new Target(origin.port(), ""), 4, 2_000, 200, 1)) {
        loop.run(() -> load.begun() >= 100, Duration.ofMinutes(1));
        load.stop();
        assertThat(loop.run(load::isDone, Duration.ofMinutes(1))).isTrue();
        assertThat(load.times().getTotalCount()).isEqualTo(load.begun());
        assertThat(origin.plainAnswers()).isEqualTo(load.begun());
        assertThat(load.failures()).isZero();
      }
    }
  }

  @Test
  void peersKeepJobsInFiles(@TempDir Path directory) throws IOException, SQLException {
    var first = new JobQueue.Place.Sqlite(directory.resolve("first"));
    try (var queue = JobQueue.DbScheduler.open(first, 2)) {
      assertThat(kept(queue)).isPositive();
    }
    var second = new JobQueue.Place.Sqlite(directory.resolve("second"));
    try (var queue = JobQueue.JobRunr.open(second, 2)) {
      assertThat(kept(queue)).isPositive();
    }
  }

  private static double kept(JobQueue queue) {
    var time = Duration.ofMillis(500);
    var others = new Others(List.of(new ProcessTree(ProcessHandle.current())));
    return new EnqueueLoad(queue, 2, "payload").measure(time, time, others).perSecond();
  }

  private static EnduranceReport.Sample sample(long second, long data) {
    return new EnduranceReport.Sample(second, second, 0, data, data, data);
  }

  private static AsyncResult result(String database, long p99, double peer) {
    return new AsyncResult(
        database,
        new AsyncResult.Rate("Meanwhile", 1_000, 150, 0),
        0,
        new AsyncResult.Paced(500, 100, 0, MILLISECOND, p99 * MILLISECOND, 20 * MILLISECOND, 0),
        List.of(new AsyncResult.Rate("db-scheduler", peer, 250, 0)),
        new AsyncResult.Disk(10_000, 2_000_000, 5));
  }
}
