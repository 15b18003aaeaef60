package dev.meanwhile.server.telemetry;

import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// How long calls of a model take, so that whoever has to come back is told when. A mean in which
/// newer calls count more: each moves it by a tenth of the difference. Thread-safe.
public final class Typical implements Journal {
  private static final double WEIGHT = 0.1;
  private static final int MODELS = 10_000;
  private static final Duration UNKNOWN = Duration.ofSeconds(2);
  private static final Duration SHORTEST = Duration.ofSeconds(1);

  private final Map<String, Double> nanos = new ConcurrentHashMap<>();

  @Override
  public void began(Run run) {}

  @Override
  public void ended(Run run, long firstContent, long total) {
    Terminal terminal = run.terminal();
    if (run.about().attached() || terminal == null || terminal.status() != Status.COMPLETED) {
      return;
    }
    String name = name(run.about());
    if (nanos.size() < MODELS || nanos.containsKey(name)) {
      nanos.merge(name, (double) total, (mean, each) -> mean + WEIGHT * (each - mean));
    }
  }

  /// How much longer a run is likely to take, at least a second.
  ///
  /// @param now in milliseconds since 1970
  public Duration left(Run run, long now) {
    Duration left = whole(run.about()).minusMillis(Math.max(0, now - run.createdAt()));
    return left.compareTo(SHORTEST) < 0 ? SHORTEST : left;
  }

  /// How long such a call is likely to take.
  public Duration whole(Run.About about) {
    Double mean = nanos.get(name(about));
    return mean == null ? UNKNOWN : Duration.ofNanos(mean.longValue());
  }

  private static String name(Run.About about) {
    return about.api() + " " + about.upstream() + " " + about.model();
  }
}
