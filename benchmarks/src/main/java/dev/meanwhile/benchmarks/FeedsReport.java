package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;

/// The table of a feeds run, in Markdown, and how its figures came about.
final class FeedsReport {
  private static final double P99_MILLIS = 50;

  /// The part of the server's core that others may take before the report warns.
  private static final double TOLERABLE = 0.1;

  private FeedsReport() {}

  static String table(FeedsResult result, FeedsPlan plan) {
    var p99 = FeedsResult.millis(result.done(), 99);
    return (result.others() <= TOLERABLE
            ? ""
            : "**Disturbed: others took %.0f %% of the server's core. Repeat on a quiet machine.**\n\n"
                .formatted(result.others() * 100))
        + """
        | %,d open feeds, %,d runs followed by one, a run followed by %,d | |
        |---|---:|
        | memory with all of them, MB resident (over idle) | %.0f (%.0f) |
        | per reader, KB resident | %.1f |
        | per reader, KB live | %.1f |
        | CPU while nothing happens, of one core | %.2f %% |
        | an end to %,d followers: p50 / p99 / max, ms | %.1f / %.1f / %.1f |
        | an end to %,d feeds of its channel: p50 / p99 / max, ms | %.1f / %.1f / %.1f |
        | readers that were not told | %,d |

        | goal | wanted | measured | |
        |---|---|---|---|
        | p99 of an end to its followers | ≤ %.0f ms | %.1f ms | %s |
        """
            .formatted(
                plan.feeds(),
                plan.runs(),
                plan.followers(),
                result.memory().open().resident() / 1024.0 / 1024,
                (result.memory().open().resident() - result.memory().idle().resident())
                    / 1024.0
                    / 1024,
                result.memory().residentPerStream(),
                result.memory().livePerStream().orElse(Double.NaN),
                100.0 * result.idleNanos() / result.idle().toNanos(),
                plan.followers(),
                FeedsResult.millis(result.done(), 50),
                p99,
                FeedsResult.millis(result.done(), 100),
                plan.followers(),
                FeedsResult.millis(result.told(), 50),
                FeedsResult.millis(result.told(), 99),
                FeedsResult.millis(result.told(), 100),
                result.lost(),
                P99_MILLIS,
                p99,
                p99 <= P99_MILLIS && result.lost() == 0 ? "reached" : "**not reached**");
  }

  /// `load` is the machine's load average when the run began.
  static String method(Options options, FeedsPlan plan, String version, Instant began, String load)
      throws IOException {
    return """
    ## Method
    - %s, %d s in all, command `%s`. Load average before: %s.
    - Machine: %s.
    - Version: %s.
    - The server has core 0 for itself, with its data in SQLite; the readers and the AI API are one \
    thread on core 1. HTTP/1.1 over 127.0.0.1, a connection for each reader.
    - Of the feeds %,d are of one channel, the others each of its own. Each run that is followed is \
    a stream of the AI API that is silent after two tokens.
    - Memory: idle is after the warm-up, with the feeds and the followers of one run once opened and \
    closed: what the JVM keeps of that counts as idle, so that a reader \
    costs what is live. Live is the heap after a collection and all that is committed beside it. A \
    run's own memory and its connection to the AI API are part of what a reader takes here.
    - CPU: user and system time of the server over %d s in which only signs of life are sent, each \
    15 s to each reader; all readers are there before and after it.
    - An end: %d times a run in the background is followed by %,d, and as often, in turns with these, \
    one that nobody follows is of a channel with as many feeds; the AI API ends its stream. %d such \
    rounds before are warm-up. From just before the AI API writes its last bytes to each reader's \
    receipt of `done`, or of `completed` in its feed; what the server takes to read the end \
    and to store it is part of that, and so is the time in which the readers' one thread reads those \
    who are told before.
    """
        .formatted(
            began,
            Duration.between(began, Instant.now()).toSeconds(),
            options.text("command"),
            load,
            Machine.description(),
            version,
            plan.followers(),
            plan.idle().toSeconds(),
            plan.rounds(),
            plan.followers(),
            plan.warmUpRounds());
  }
}
