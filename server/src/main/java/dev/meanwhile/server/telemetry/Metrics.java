package dev.meanwhile.server.telemetry;

import dev.meanwhile.budget.Budget;
import dev.meanwhile.cache.Hit;
import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Unit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/// What `/metrics` tells. Thread-safe.
public final class Metrics implements Journal {
  private static final double NANOS = 1e9;

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final Histogram duration =
      Histogram.builder()
          .name("meanwhile_run_duration_seconds")
          .help("Time from accepting a run to its end.")
          .unit(Unit.SECONDS)
          .labelNames("api", "operation", "status")
          .classicUpperBounds(.005, .01, .025, .05, .1, .2, .3, .5, .8, 1, 2, 5, 10, 30, 60, 300)
          .register(registry);
  private final Histogram firstContent =
      Histogram.builder()
          .name("meanwhile_run_first_content_seconds")
          .help("Time from accepting a run to the first content of its log.")
          .unit(Unit.SECONDS)
          .labelNames("api", "operation")
          .classicUpperBounds(.005, .01, .025, .05, .1, .2, .3, .5, .8, 1, 2, 5, 10, 30, 60)
          .register(registry);
  private final Counter attached =
      Counter.builder()
          .name("meanwhile_runs_attached_total")
          .help("Runs that began to read a log which existed, so that no call was made.")
          .labelNames("api")
          .register(registry);
  private final Counter upstreamErrors =
      Counter.builder()
          .name("meanwhile_upstream_errors_total")
          .help("Logs that an upstream failed to complete, by what went wrong.")
          .labelNames("upstream", "code")
          .register(registry);
  private final Counter requests =
      Counter.builder()
          .name("meanwhile_http_requests_total")
          .help("HTTP answers, by route and status.")
          .labelNames("route", "status")
          .register(registry);
  private final Counter budgets =
      Counter.builder()
          .name("meanwhile_budget_total")
          .help("Answers, and ends of background runs, under a budget, by how they kept it.")
          .labelNames("operation", "outcome")
          .register(registry);
  private final Counter caches =
      Counter.builder()
          .name("meanwhile_cache_total")
          .help("Calls of operations with a cache, by what they were given.")
          .labelNames("operation", "result", "layer")
          .register(registry);
  private final Counter notices =
      Counter.builder()
          .name("meanwhile_notices_total")
          .help("Tries to tell of an end by webhook or mail, by what became of them.")
          .labelNames("kind", "outcome")
          .register(registry);
  private final Gauge streams =
      Gauge.builder()
          .name("meanwhile_open_streams")
          .help("Streams that are being sent to callers now.")
          .register(registry);
  private final Map<String, CounterDataPoint> requestPoints = new ConcurrentHashMap<>();
  private final Map<String, DistributionDataPoint> durationPoints = new ConcurrentHashMap<>();

  /// @param open how many runs have not ended
  /// @param kept how many runs are kept
  public Metrics(IntSupplier open, IntSupplier kept) {
    gauge("meanwhile_runs_open", "Runs that have not ended.", open);
    gauge("meanwhile_runs_kept", "Runs that are kept, the open ones included.", kept);
  }

  private void gauge(String name, String help, IntSupplier value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(point -> point.call(value.getAsInt()))
        .register(registry);
  }

  /// What is the case for each upstream, told when somebody asks.
  public void perUpstream(
      String name, String help, Set<String> upstreams, ToIntFunction<String> value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .labelNames("upstream")
        .callback(point -> upstreams.forEach(each -> point.call(value.applyAsInt(each), each)))
        .register(registry);
  }

  /// Whether promises can be made now.
  public void store(BooleanSupplier well) {
    GaugeWithCallback.builder()
        .name("meanwhile_store_up")
        .help("1 while promises can be made, 0 while the store is in trouble.")
        .callback(point -> point.call(well.getAsBoolean() ? 1 : 0))
        .register(registry);
  }

  @Override
  public void began(Run run) {
    if (run.about().attached()) {
      attached.labelValues(run.about().api()).inc();
    }
  }

  @Override
  public void ended(Run run, long first, long total) {
    Terminal terminal = run.terminal();
    if (terminal == null) {
      return;
    }
    Run.About about = run.about();
    boolean late = Budget.isLate(about.budget(), run.createdAt(), run.endedAt());
    if (about.budget() > 0 && (late || terminal.status() != Status.CANCELLED)) {
      budget(about.operation(), late ? "late" : "within");
    }
    String operation = name(about.operation());
    durationPoints
        .computeIfAbsent(
            about.api() + " " + operation + " " + terminal.status().word(),
            _ -> duration.labelValues(about.api(), operation, terminal.status().word()))
        .observe(total / NANOS);
    if (first >= 0) {
      durationPoints
          .computeIfAbsent(
              about.api() + " " + operation, _ -> firstContent.labelValues(about.api(), operation))
          .observe(first / NANOS);
    }
    if (terminal.status() == Status.FAILED && !about.attached()) {
      Head head = run.head();
      String code =
          head != null && head.status() >= 400
              ? "status_" + head.status()
              : Objects.requireNonNull(terminal.failure()).code();
      upstreamErrors.labelValues(about.upstream(), code).inc();
    }
  }

  /// An HTTP answer was given.
  public void answered(String route, int status) {
    requestPoints
        .computeIfAbsent(route + status, _ -> requests.labelValues(route, Integer.toString(status)))
        .inc();
  }

  /// A caller with a budget was answered, or work with one has ended: `within`, `detached` or
  /// `late`.
  ///
  /// @param operation what it called, or null
  public void budget(@Nullable String operation, String outcome) {
    budgets.labelValues(name(operation), outcome).inc();
  }

  /// A call of an operation with a cache was given `hit`: a fresh answer; `stale`; or `miss`: one
  /// of its own. The layer is where it was found: `memory` or `store`.
  ///
  /// @param hit what was found, or null
  public void cache(@Nullable String operation, @Nullable Hit hit) {
    String result = hit == null ? "miss" : hit.ttl() > 0 ? "hit" : "stale";
    String layer = hit == null ? "" : hit.stored() ? "store" : "memory";
    caches.labelValues(name(operation), result, layer).inc();
  }

  /// As a label, which is empty where there is none.
  private static String name(@Nullable String operation) {
    return operation == null ? "" : operation;
  }

  /// Somebody was told of an end by a `webhook` or a `mail`: `arrived` or `failed`; or this was
  /// `given_up`.
  public void notice(String kind, String outcome) {
    notices.labelValues(kind, outcome).inc();
  }

  /// A stream to a caller began (+1) or ended (-1).
  public void streams(int change) {
    streams.inc(change);
  }

  /// All of it, in Prometheus's text format.
  public byte[] text() {
    try {
      var out = new ByteArrayOutputStream();
      PrometheusTextFormatWriter.create().write(out, registry.scrape());
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
