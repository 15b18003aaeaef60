package dev.meanwhile.benchmarks;

import dev.meanwhile.benchmarks.Replay.Way;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;

/// The tables of a prefetch run, in Markdown, and how its figures came about.
final class PrefetchReport {
  private static final double FEWER_MISSES = 0.2;
  private static final double MORE_CALLS = 0.15;
  private static final double WASTE = 0.2;
  private static final double FEWER_THAN_NIGHTLY = 3.5;

  private PrefetchReport() {}

  static String table(Trace trace, Map<Way, Replay.Result> results) {
    var demand = of(results, Way.DEMAND);
    var text = new StringBuilder();
    text.append(
        """
        ## %s
        %,d reads of %,d keys, counted %,d.

        | | misses | to demand only | stale answers | calls | to demand only | prefetched | waste |
        |---|---:|---:|---:|---:|---:|---:|---:|
        """
            .formatted(
                trace.name(),
                trace.keys().size(),
                trace.keys().stream().distinct().count(),
                demand.reads()));
    results.forEach((way, result) ->
        text.append(
            "| %s | %,d | %+.1f %% | %,d | %,d | %+.1f %% | %,d | %.1f %% |%n"
                .formatted(
                    way.text,
                    result.misses(),
                    100 * change(result.misses(), demand.misses()),
                    result.stale(),
                    result.calls(),
                    100 * change(result.calls(), demand.calls()),
                    result.prefetched(),
                    100 * result.waste())));
    return text.toString();
  }

  static String goals(Map<Way, Replay.Result> results) {
    var demand = of(results, Way.DEMAND);
    var both = of(results, Way.BOTH);
    var fewer = -change(both.misses(), demand.misses());
    var more = change(both.calls(), demand.calls());
    var nightly = (double) of(results, Way.NIGHTLY).calls() / Math.max(1, both.calls());
    return """

    | goal for prefetch with stale-while-revalidate | wanted | measured | |
    |---|---|---|---|
    | fewer misses than demand only | ≥ %.0f %% | %.1f %% | %s |
    | more calls than demand only | ≤ %.0f %% | %.1f %% | %s |
    | waste | ≤ %.0f %% | %.1f %% | %s |
    | calls of everything once a lifetime ÷ its calls | ≥ %.1f | %.1f | %s |
    """
        .formatted(
            100 * FEWER_MISSES,
            100 * fewer,
            reached(fewer >= FEWER_MISSES),
            100 * MORE_CALLS,
            100 * more,
            reached(more <= MORE_CALLS),
            100 * WASTE,
            100 * both.waste(),
            reached(both.waste() <= WASTE),
            FEWER_THAN_NIGHTLY,
            nightly,
            reached(nightly >= FEWER_THAN_NIGHTLY));
  }

  static String method(Options options, Instant began) throws IOException {
    return """
    ## Method
    - %s, %d s in all, command `%s`.
    - Machine: %s. The figures depend on neither clock nor machine: the same \
    trace gives the same ones.
    - The traces are replayed through a cache without a limit of size, with the engine's own \
    `dev.meanwhile.prefetch` and its defaults: min-probability 0.8, waste-max 20 %%, no limit of \
    tokens. A call takes no time.
    - An answer's lifetime is 1/10 of the trace. A file has no times: its reads come in even \
    distances over ten days. What comes in the first %.0f %% of the reads is learned from and not \
    counted.
    - Miss: a read that has to wait for a call. With stale-while-revalidate (one more lifetime, as \
    in the design's example) an answer over its lifetime is served at once and renewed by a call: a \
    stale answer is no miss.
    - Calls: all calls upstream, for misses, renewals and prefetches. Waste: prefetched answers that \
    nobody read while they were fresh, of all prefetched ones whose fate is known at the end; one \
    that is read stale counts as wasted.
    - Demand only: a plain cache with that lifetime. Everything seen, once a lifetime: each key that \
    was ever read is fetched anew at once at each lifetime's end, and misses are fetched as they \
    come; one that knew all keys beforehand would make more calls.
    - The synthetic traces say what to expect where the nature of the reads is known; no goals are \
    set for them.
    """
        .formatted(
            began,
            Duration.between(began, Instant.now()).toSeconds(),
            options.text("command"),
            Machine.description(),
            100 * Replay.LEARNING);
  }

  private static Replay.Result of(Map<Way, Replay.Result> results, Way way) {
    return Objects.requireNonNull(results.get(way));
  }

  private static double change(long measured, long base) {
    return base == 0 ? 0 : (double) measured / base - 1;
  }

  private static String reached(boolean holds) {
    return holds ? "reached" : "**not reached**";
  }
}
