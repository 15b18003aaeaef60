package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// The tables of an async run, in Markdown, and how their figures came about.
final class AsyncReport {
  private static final double P99_MILLIS = 10;
  private static final double TIMES_ON_SQLITE = 5;
  private static final double TIMES_ON_POSTGRES = 2;

  /// The part of all cores that others may take before the report warns.
  private static final double TOLERABLE = 0.1;

  private AsyncReport() {}

  /// Everything that was measured, then the goals.
  static String tables(List<AsyncResult> results, AsyncPlan plan) {
    var text = new StringBuilder(warning(results));
    text.append("| kept by %,d callers, /s | SQLite | PostgreSQL |\n".formatted(plan.callers()));
    text.append("|---|---:|---:|\n");
    text.append(
        row("Meanwhile, from POST to 202", results, result -> rate(result.accepted().perSecond())));
    for (var i = 0; i < results.getFirst().peers().size(); i++) {
      var number = i;
      text.append(
          row(
              results.getFirst().peers().get(i).title() + ", in process",
              results,
              result -> rate(result.peers().get(number).perSecond())));
    }
    text.append(
        row(
            "CPU of each, callers and database included, µs: Meanwhile / peers",
            results,
            result ->
                "%.0f / %s"
                    .formatted(
                        result.accepted().cpuMicros(),
                        result.peers().stream()
                            .map(peer -> "%.0f".formatted(peer.cpuMicros()))
                            .collect(Collectors.joining(", ")))));
    text.append(
        row(
            "by others, %, of all cores: Meanwhile / peers",
            results,
            result ->
                "%.0f / %s"
                    .formatted(
                        result.accepted().others() * 100,
                        result.peers().stream()
                            .map(peer -> "%.0f".formatted(peer.others() * 100))
                            .collect(Collectors.joining(", ")))));
    text.append("\n| Meanwhile | SQLite | PostgreSQL |\n|---|---:|---:|\n");
    text.append(row("calls, /s", results, result -> rate(result.paced().perSecond())));
    text.append(
        row(
            "from POST to 202: p50 / p99 / max, ms",
            results,
            result ->
                "%s / %s / %s"
                    .formatted(
                        Report.number(result.paced().p50() / 1e6),
                        Report.number(result.paced().p99() / 1e6),
                        Report.number(result.paced().max() / 1e6))));
    text.append(
        row(
            "calls (not 202)",
            results,
            result ->
                "%,d (%,d)"
                    .formatted(
                        result.paced().count(), result.paced().failures() + result.refused())));
    text.append(
        row(
            "by others, %, of all cores",
            results, result -> "%.0f".formatted(result.paced().others() * 100)));
    text.append(
        row(
            "disk per 100,000 finished runs, MB (scaled from)",
            results,
            result ->
                "%.1f (%,d)".formatted(result.disk().per100000() / 1e6, result.disk().runs())));
    text.append(
        row(
            "accepted and finished, /s",
            results,
            result -> rate(result.disk().runs() / result.disk().seconds())));
    return text.append("\n").append(goals(results)).toString();
  }

  private static String warning(List<AsyncResult> results) {
    var most = results.stream().mapToDouble(AsyncResult::others).max().orElse(0);
    return most <= TOLERABLE
        ? ""
        : "**Disturbed: others took up to %.0f %% of the cores. Repeat on a quiet machine.**\n\n"
            .formatted(most * 100);
  }

  private interface Cell {
    String of(AsyncResult result);
  }

  private static String row(String label, List<AsyncResult> results, Cell cell) {
    return results.stream()
        .map(cell::of)
        .collect(Collectors.joining(" | ", "| " + label + " | ", " |\n"));
  }

  private static String rate(double perSecond) {
    return "%,.0f".formatted(perSecond);
  }

  private static String goals(List<AsyncResult> results) {
    var goals = new ArrayList<Goals.Goal>();
    for (var result : results) {
      goals.add(
          new Goals.Goal(
              result.database() + ": p99 from POST to 202 at half the most",
              P99_MILLIS,
              result.paced().p99() / 1e6,
              " ms"));
      var times = result.database().equals("SQLite") ? TIMES_ON_SQLITE : TIMES_ON_POSTGRES;
      goals.add(
          new Goals.Goal(
              "%s: fastest peer ÷ Meanwhile (%.0f × its rate wanted, %.1f × measured)"
                  .formatted(
                      result.database(),
                      times,
                      result.accepted().perSecond() / result.fastestPeer()),
              1 / times,
              result.fastestPeer() / result.accepted().perSecond(),
              ""));
      goals.add(
          new Goals.Goal(
              result.database() + ": calls not answered 202",
              0,
              result.refused() + result.paced().failures(),
              ""));
    }
    return goals.stream()
        .map(Goals.Goal::row)
        .collect(
            Collectors.joining(
                "\n", "| goal | allowed | measured | |\n|---|---:|---:|---|\n", "\n"));
  }

  /// `load` is the machine's load average when the run began, `forces` how many forced writes a
  /// second its disk did before and after.
  static String method(
      Options options,
      AsyncPlan plan,
      String versions,
      Instant began,
      String load,
      List<Long> forces)
      throws IOException {
    return """
    ## Method
    - %s, %d s in all, command `%s`. Load average before: %s.
    - Machine: %s. Its disk forces %s appended writes of 4 KB a second (before, after the run).
    - Versions: %s; db-scheduler 16.12.0; JobRunr 8.7.0.
    - **What is compared:** Meanwhile takes an HTTP request, reads and checks it, commits log, \
    request and run to the disk and answers 202, in a process of its own; its callers and origin \
    are one thread of this one (Java %s). The peers are called in this process by as many threads, \
    without HTTP: one `schedule` or `enqueue` call a job, with a payload of %d B, and no worker. \
    All share all cores; nothing is pinned. Theirs is the easier work.
    - All commits are on the disk before they are answered. SQLite: WAL and `synchronous=FULL`, \
    for the peers through a HikariCP pool of one connection, as it has one writer. PostgreSQL: \
    `fsync`, `synchronous_commit` and `full_page_writes` on, for the peers a pool of a connection \
    for each caller. One database each. Its journal has been filled once and given back by a \
    checkpoint, and there is one more before the load at half the most, as of a server that has run \
    for a while: a new one stops for some 60 ms at each 16 MB (measured: p99 58 to 62 ms at half \
    the most).
    - Most: %d callers in a closed loop, %d s after a warm-up of %,d calls (peers: %d s). The upstream \
    holds its answer and `max-background` is 1, so that background work takes no core.
    - At half of that: calls at random times (Poisson) over at most %d connections, %d s; each \
    counted from when it was to be sent, by a timer that may be 1 ms late, which counts too.
    - Disk: another data directory, where %,d runs are accepted and answered at once with 600 B, \
    16 at a time; SQLite: all files after the stop; PostgreSQL: `pg_database_size`. Then scaled.
    - "By others" is what everything else took of all cores: where it differs, rates cannot be \
    compared, but the CPU time of each can.
    """
        .formatted(
            began,
            Duration.between(began, Instant.now()).toSeconds(),
            options.text("command"),
            load,
            Machine.description(),
            forces.stream().map(String::valueOf).collect(Collectors.joining(", ")),
            versions,
            Runtime.version(),
            252,
            plan.callers(),
            plan.saturated().toSeconds(),
            plan.warmUp(),
            plan.peerWarmUp().toSeconds(),
            AsyncPlan.PACED_CONNECTIONS,
            plan.paced().toSeconds(),
            plan.finished());
  }
}
