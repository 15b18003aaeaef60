package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The tables of a cache run, in Markdown, and how their figures came about.
final class CacheReport {
  private static final double CPU_TO_NGINX = 1.5;
  private static final double P99_MILLIS = 5;
  private static final double BURST_MILLIS = 1_200;
  private static final double COLD_MICROS = 100;
  private static final double REPEATED_MICROS = 20;

  /// The part of the servers' core that others may take before the report warns.
  private static final double TOLERABLE = 0.1;

  private CacheReport() {}

  /// All tables; one column per peer.
  static String tables(List<CacheResult> results, KeyCost keys) {
    var text = new StringBuilder(warning(results));
    text.append(row("answers of %,d B".formatted(CachePlan.ANSWER), results, CacheResult::title));
    text.append("|---|").append("---:|".repeat(results.size())).append("\n");
    var sizes = results.isEmpty() ? 0 : results.getFirst().hits().size();
    for (var i = 0; i < sizes; i++) {
      var number = i;
      Function<CacheResult, CacheResult.Hits> hits = result -> result.hits().get(number);
      var asked = "asked in %,d B: ".formatted(hits.apply(results.getFirst()).question());
      text.append(
          row(
              asked + "CPU per hit, µs",
              results,
              result -> Report.number(hits.apply(result).closed().cpuMicrosPerCall())));
      text.append(
          row(
              "… at hits/s (core used + by others)",
              results,
              result -> rate(hits.apply(result).closed())));
      text.append(
          row(
              "… time of a hit at %,d/s: p50 / p99 / max, ms".formatted(CachePlan.PER_SECOND),
              results,
              result -> times(hits.apply(result).times())));
      text.append(
          row(
              "… upstream calls, failures",
              results,
              result ->
                  "%,d, %,d"
                      .formatted(
                          hits.apply(result).upstreamCalls(), hits.apply(result).failures())));
    }
    text.append(
        row(
            "%,d callers at once of one cold question: upstream calls".formatted(CachePlan.SAME),
            results,
            result -> "%,d".formatted(result.cold().upstreamCalls())));
    text.append(
        row(
            "%,d of as many, %d ms each: the first burst / median, ms"
                .formatted(CachePlan.DISTINCT, CachePlan.SLOW.toMillis()),
            results,
            result ->
                "%s / %s"
                    .formatted(
                        Report.number(result.cold().first() / 1e6),
                        Report.number(result.cold().median() / 1e6))));
    text.append(
        row(
            "… of all these, not answered",
            results,
            result -> "%,d".formatted(result.cold().unanswered())));
    text.append(
        """

        | the key of a request of %,d B | CPU, µs |
        |---|---:|
        | not seen lately | %s |
        | in the same bytes as one seen lately | %s |

        """
            .formatted(
                keys.bytes(),
                Report.number(keys.cold() / 1e3),
                Report.number(keys.repeated() / 1e3)));
    return text.append(goals(results, keys)).toString();
  }

  private static String warning(List<CacheResult> results) {
    var most = results.stream().mapToDouble(CacheResult::disturbance).max().orElse(0);
    return most <= TOLERABLE
        ? ""
        : "**Disturbed: others took up to %.0f %% of the servers' core. Repeat on a quiet machine.**\n\n"
            .formatted(most * 100);
  }

  private static String rate(PlainResult closed) {
    return "%,.0f (%.0f + %.0f %%)"
        .formatted(closed.callsPerSecond(), closed.utilisation() * 100, closed.disturbance() * 100);
  }

  private static String times(CacheResult.Times times) {
    return "%s / %s / %s"
        .formatted(
            Report.number(times.median() / 1e6),
            Report.number(times.p99() / 1e6),
            Report.number(times.max() / 1e6));
  }

  private static String row(
      String label, List<CacheResult> results, Function<CacheResult, String> cell) {
    return results.stream()
        .map(cell)
        .collect(Collectors.joining(" | ", "| " + label + " | ", " |\n"));
  }

  private static String goals(List<CacheResult> results, KeyCost keys) {
    var goals = new ArrayList<Goals.Goal>();
    for (var meanwhile : results) {
      if (!meanwhile.title().equals("Meanwhile")) {
        continue;
      }
      for (var i = 0; i < meanwhile.hits().size(); i++) {
        var number = i;
        var hits = meanwhile.hits().get(i);
        var asked = ", asked in %,d B".formatted(hits.question());
        results.stream()
            .filter(peer -> peer.title().equals("nginx"))
            .forEach(nginx ->
                goals.add(
                    new Goals.Goal(
                        "CPU per hit ÷ nginx" + asked,
                        CPU_TO_NGINX,
                        hits.closed().cpuMicrosPerCall()
                            / nginx.hits().get(number).closed().cpuMicrosPerCall(),
                        "")));
        goals.add(
            new Goals.Goal(
                "p99 of a hit at %,d/s".formatted(CachePlan.PER_SECOND) + asked,
                P99_MILLIS,
                hits.times().p99() / 1e6,
                " ms"));
        goals.add(new Goals.Goal("upstream calls" + asked, 0, hits.upstreamCalls(), ""));
      }
      goals.add(
          new Goals.Goal(
              "upstream calls, %,d callers at once".formatted(CachePlan.SAME),
              1,
              meanwhile.cold().upstreamCalls(),
              ""));
      goals.add(
          new Goals.Goal(
              "%,d cold questions at once".formatted(CachePlan.DISTINCT),
              BURST_MILLIS,
              meanwhile.cold().median() / 1e6,
              " ms"));
      goals.add(new Goals.Goal("cold calls not answered", 0, meanwhile.cold().unanswered(), ""));
    }
    goals.add(new Goals.Goal("key, not seen lately", COLD_MICROS, keys.cold() / 1e3, " µs"));
    goals.add(new Goals.Goal("key, same bytes", REPEATED_MICROS, keys.repeated() / 1e3, " µs"));
    return goals.stream()
        .map(Goals.Goal::row)
        .collect(
            Collectors.joining(
                "\n", "| goal | allowed | measured | |\n|---|---:|---:|---|\n", "\n"));
  }

  /// `load` is the machine's load average when the run began.
  static String method(
      Options options, CachePlan plan, List<CacheResult> results, Instant began, String load)
      throws IOException {
    return """
    ## Method
    - %s, %d s in all, command `%s`. Load average before: %s.
    - Machine: %s.
    - Versions: %s.
    - Each server runs alone on core 0, one after the other; origin and callers are one thread \
    on core 1 (Java %s). All speak HTTP/1.1 over 127.0.0.1.
    - One POST of a chat request, again and again; the first is answered by the origin, all \
    others are hits. nginx (`benchmarks/cache/nginx.conf`) compares the bodies' bytes; for \
    Meanwhile the call names an operation with `cache`.
    - CPU is user and system time of all the server's processes and threads, in a closed loop of \
    %d connections, for %d s, after a warm-up until it changed by at most 10 %% between windows \
    of %d s, twice running: %s.
    - The time of a hit counts from when it was to be sent, at random times, %,d a second, for %d s.
    - Cold: %d bursts, each over connections that are open before; the servers' own connections \
    to the origin are made in the first.
    - "By others" is what everything else took from core 0: the more, the less the figures say.
    - Keys are computed in the callers' process: CPU time, median of 15 rounds of 2,000 bodies each.
    """
        .formatted(
            began,
            Duration.between(began, Instant.now()).toSeconds(),
            options.text("command"),
            load,
            Machine.description(),
            results.stream().map(CacheResult::version).collect(Collectors.joining("; ")),
            Runtime.version(),
            CachePlan.CONNECTIONS,
            plan.closed().toSeconds(),
            Plan.WINDOW.toSeconds(),
            results.stream()
                .map(result ->
                    result.title()
                        + " "
                        + result.hits().stream()
                            .map(hits -> hits.warmUp().toString())
                            .collect(Collectors.joining(" and "))
                        + " s")
                .collect(Collectors.joining(", ")),
            CachePlan.PER_SECOND,
            plan.paced().toSeconds(),
            plan.bursts());
  }
}
