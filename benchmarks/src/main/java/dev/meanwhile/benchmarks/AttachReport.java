package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The tables of an attach run, in Markdown, and how their figures came about.
final class AttachReport {
  private static final double P50_MILLIS = 4;
  private static final double P99_MILLIS = 12;

  /// The part of the servers' core that others may take before the report warns.
  private static final double TOLERABLE = 0.1;

  private AttachReport() {}

  /// All tables; one column per peer.
  static String tables(List<AttachResult> results) {
    var text = new StringBuilder(warning(results));
    text.append(
        row(
            "first token after asking, once there was one: p50 / p99 / max, ms",
            results,
            AttachResult::title));
    text.append("|---|").append("---:|".repeat(results.size())).append("\n");
    for (var i = 0; i < AttachPlan.CALLERS.size(); i++) {
      var number = i;
      text.append(row(label(i), results, result -> waited(result.callers().get(number))));
    }
    text.append(
        row(
            "upstream calls (rounds)",
            results,
            result -> "%,d (%,d)".formatted(result.upstreamCalls(), result.rounds())));
    text.append(
        row(
            "callers without the whole text",
            results,
            result -> "%,d".formatted(result.incomplete())));
    results.stream()
        .filter(result -> result.title().equals("Meanwhile"))
        .forEach(result -> text.append("\n").append(goals(result)));
    return text.toString();
  }

  private static String warning(List<AttachResult> results) {
    var most = results.stream().mapToDouble(AttachResult::others).max().orElse(0);
    return most <= TOLERABLE
        ? ""
        : "**Disturbed: others took up to %.0f %% of the servers' core. Repeat on a quiet machine.**\n\n"
            .formatted(most * 100);
  }

  private static String label(int caller) {
    return caller == 0
        ? "the first caller"
        : "attached at +" + seconds(AttachPlan.CALLERS.get(caller));
  }

  private static String seconds(Duration time) {
    return Report.number(time.toMillis() / 1e3).replaceAll("\\.?0+$", "") + " s";
  }

  private static String waited(AttachResult.Caller caller) {
    return caller.whole() == 0
        ? "–"
        : "%s / %s / %s"
            .formatted(
                Report.number(caller.median() / 1e6),
                Report.number(caller.p99() / 1e6),
                Report.number(caller.max() / 1e6));
  }

  private static String row(
      String label, List<AttachResult> results, Function<AttachResult, String> cell) {
    return results.stream()
        .map(cell)
        .collect(Collectors.joining(" | ", "| " + label + " | ", " |\n"));
  }

  private static String goals(AttachResult meanwhile) {
    var goals = new ArrayList<Goals.Goal>();
    for (var caller : meanwhile.attachers()) {
      var at = "first token at +" + seconds(caller.after());
      goals.add(new Goals.Goal(at + ", p50", P50_MILLIS, caller.median() / 1e6, " ms"));
      goals.add(new Goals.Goal(at + ", p99", P99_MILLIS, caller.p99() / 1e6, " ms"));
    }
    goals.add(
        new Goals.Goal(
            "upstream calls per round",
            1,
            (double) meanwhile.upstreamCalls() / meanwhile.rounds(),
            ""));
    goals.add(new Goals.Goal("callers without the whole text", 0, meanwhile.incomplete(), ""));
    return goals.stream()
        .map(Goals.Goal::row)
        .collect(
            Collectors.joining(
                "\n", "| goal | allowed | measured | |\n|---|---:|---:|---|\n", "\n"));
  }

  /// `load` is the machine's load average when the run began.
  static String method(
      Options options, AttachPlan plan, List<AttachResult> results, Instant began, String load)
      throws IOException {
    var stream = AttachPlan.STREAM;
    return """
    ## Method
    - %s, %d s in all, command `%s`. Load average before: %s.
    - Machine: %s.
    - Versions: %s.
    - Each server runs alone on core 0, one after the other; origin and callers are one thread \
    on core 1 (Java %s). All speak HTTP/1.1 over 127.0.0.1.
    - A round: one prompt, temperature 0, streamed with usage; %d ms to the first token and up to \
    %d ms more (a random phase), then %d tokens, one each %d ms. The first caller asks at 0 s as \
    an SDK on its first try, others with the same body at the times of the table, the last, after \
    the end, as that SDK's first retry. Each has an open connection of its own.
    - %d rounds, one begun each %d ms, so that about %d run at once; before them %d rounds of \
    warm-up, one each %d ms, for a JVM, %d for others.
    - Waiting: from the later of the caller's request and the origin's write of the round's first \
    token, to the caller's receipt of its first token; of callers that got all tokens in order \
    and the end, as did the round's first.
    - nginx is a tuned HTTP cache here (`benchmarks/attach/nginx.conf`): requests with the same \
    body wait for the one under way. Portkey's gateway sends each request upstream.
    - Others took of core 0: %s.
    """
        .formatted(
            began,
            Duration.between(began, Instant.now()).toSeconds(),
            options.text("command"),
            load,
            Machine.description(),
            results.stream().map(AttachResult::version).collect(Collectors.joining("; ")),
            Runtime.version(),
            stream.lead().toMillis(),
            stream.interval().toMillis(),
            stream.tokens(),
            stream.interval().toMillis(),
            plan.rounds(),
            plan.gap().toMillis(),
            AttachPlan.CALLERS.getLast().dividedBy(plan.gap()),
            plan.warmUpRounds(),
            plan.warmUpGap().toMillis(),
            AttachPlan.FEW,
            results.stream()
                .map(result -> "%s %.0f %%".formatted(result.title(), result.others() * 100))
                .collect(Collectors.joining(", ")));
  }
}
