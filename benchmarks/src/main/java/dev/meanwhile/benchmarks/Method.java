package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;

/// The part of a report that says how its figures came about.
final class Method {
  private Method() {}

  /// `load` is the machine's load average when the run began.
  static String describe(
      Options options, Plan plan, List<PeerResult> results, Instant began, String load)
      throws IOException {
    var versions =
        results.stream()
            .filter(PeerResult::isRelay)
            .map(PeerResult::version)
            .collect(Collectors.joining("; "));
    return """
    ## Method
    - %s, %d s in all, command `%s`. Load average before: %s.
    - Machine: %s.
    - Versions: %s.
    - Each server runs alone on core 0, one after the other; origin and callers are one thread \
    on core 1 (Java %s). All speak HTTP/1.1 over 127.0.0.1.
    - CPU is user and system time of all the server's processes and threads.
    - Warm-up: plain calls until the CPU time per call changed by at most 10 %% between windows \
    of %d s, twice running, or for %d s; then %d streams at a time, likewise per token, for at \
    most about %d s.
    - Plain calls: answers of 600 B at once, %d connections in a closed loop, %d s.
    - Streams: %s for the cost of a token; %s for the delays; each stream in a random phase.
    - Delay: from the origin's write of a token to its receipt. `direct` is the harness's own. \
    A token counts as lost if it is not there 10 s after the last one was due; it has no delay.
    - "By others" is what everything else took from core 0: the more, the less the figures say.
    - Saturated: not all streams were open when timed, or the core was full. The cost per token \
    then contains that of opening streams, and delays and lost tokens those of a queue.
    - Memory: a server of its own, after %,d streams that ended; then %,d streams that are \
    silent after %d tokens. For a JVM also the heap after a collection and all it committed \
    beside the heap.
    """
        .formatted(
            began,
            Duration.between(began, Instant.now()).toSeconds(),
            options.text("command"),
            load,
            Machine.description(),
            versions.isEmpty() ? "none" : versions,
            Runtime.version(),
            Plan.WINDOW.toSeconds(),
            plan.plainWarmUp().toSeconds(),
            plan.warmUp().count(),
            plan.streamsWarmUp().toSeconds(),
            plan.plainConnections(),
            plan.plainTime().toSeconds(),
            streams(plan.some()),
            streams(plan.many()),
            plan.idleWarmUp().count(),
            plan.idle().count(),
            plan.idle().script().tokens());
  }

  private static String streams(Plan.Streams streams) {
    return "%,d streams of %d tokens, one each %d ms, opened over %d ms"
        .formatted(
            streams.count(),
            streams.script().tokens(),
            streams.script().interval().toMillis(),
            streams.ramp().toMillis());
  }
}
