package dev.meanwhile.benchmarks;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The tables of a run, in Markdown.
final class Report {
  private static final String NONE = "–";

  /// The part of the servers' core that others may take before the report warns.
  private static final double TOLERABLE = 0.1;

  private final List<PeerResult> results;
  private final Optional<ScalingResult> scaling;

  /// `results` in the order of their columns.
  Report(List<PeerResult> results, Optional<ScalingResult> scaling) {
    this.results = List.copyOf(results);
    this.scaling = scaling;
  }

  /// All tables for which there are measurements.
  String markdown() {
    var text = new StringBuilder(warning()).append(measured());
    text.append("\n").append(ratios());
    scaling.ifPresent(result -> text.append("\n").append(scaling(result)));
    peer("Meanwhile").ifPresent(meanwhile -> text.append("\n").append(goals(meanwhile)));
    return text.toString();
  }

  /// Figures from a core that is not the server's alone are not worth keeping.
  private String warning() {
    var most = results.stream().mapToDouble(PeerResult::disturbance).max().orElse(0);
    return most <= TOLERABLE
        ? ""
        : "**Disturbed: others took up to %.0f %% of the servers' core. Repeat on a quiet machine.**\n\n"
            .formatted(most * 100);
  }

  private String measured() {
    return row("", PeerResult::title)
        + "|---|"
        + "---:|".repeat(results.size())
        + "\n"
        + row(
            "warm-up by plain calls / streams, s",
            peer -> "%s / %s".formatted(peer.warmUp().plain(), peer.warmUp().streams()))
        + row("CPU per plain call, µs", peer -> ofServer(peer, peer.plain().cpuMicrosPerCall()))
        + row(
            "… at calls/s (core used + by others; failed)",
            peer ->
                "%,.0f (%s; %,d)"
                    .formatted(
                        peer.plain().callsPerSecond(),
                        core(peer, peer.plain().utilisation(), peer.plain().disturbance()),
                        peer.plain().failures()))
        + streams("CPU per streamed token, µs, %,d streams", PeerResult::some)
        + streams("CPU per streamed token, µs, %,d streams", PeerResult::many)
        + row("… delay per token, p50 / p99 / max, ms", peer -> delays(peer.many()))
        + row("… tokens lost or too late (out of order)", peer -> lost(peer.many()))
        + row("… streams broken / unfinished", peer -> broken(peer.many()))
        + row(
            "resident memory per open stream, KB (of so many)",
            peer -> peer.memory().map(Report::resident).orElse(NONE))
        + row(
            "… live (heap after GC + native), KB",
            peer ->
                peer.memory().stream()
                    .flatMapToDouble(memory -> memory.livePerStream().stream())
                    .mapToObj(Report::number)
                    .findFirst()
                    .orElse(NONE));
  }

  private String streams(String label, Function<PeerResult, StreamResult> which) {
    return row(
            label.formatted(which.apply(results.getFirst()).streams()),
            peer -> ofServer(peer, which.apply(peer).window().cpuMicrosPerToken()))
        + row(
            "… at tokens/s (core used + by others; open)",
            peer -> {
              var window = which.apply(peer).window();
              return "%,.0f (%s; %,d)%s"
                  .formatted(
                      window.tokensPerSecond(),
                      core(peer, window.utilisation(), window.disturbance()),
                      which.apply(peer).openedAtOnce(),
                      which.apply(peer).saturated() ? " **saturated**" : "");
            });
  }

  private static String delays(StreamResult streams) {
    var delays = streams.window().delays();
    return "%s / %s / %s"
        .formatted(
            number(delays.median() / 1e6), number(delays.p99() / 1e6), number(delays.max() / 1e6));
  }

  private static String lost(StreamResult streams) {
    return "%,d (%,d)".formatted(streams.lost(), streams.outOfOrder());
  }

  private static String broken(StreamResult streams) {
    return "%,d / %,d".formatted(streams.broken(), streams.unfinished());
  }

  private static String resident(MemoryResult memory) {
    return "%s (%,d)".formatted(number(memory.residentPerStream()), memory.streams());
  }

  private String ratios() {
    var rows =
        ratio("CPU per plain call", peer -> peer.plain().cpuMicrosPerCall())
            + ratio("CPU per streamed token", peer -> peer.some().window().cpuMicrosPerToken())
            + ratio("p99 delay per token", peer -> (double) peer.many().window().delays().p99());
    return "| | measured | ÷ nginx | ÷ Portkey |\n|---|---|---:|---:|\n" + rows;
  }

  private String ratio(String what, Function<PeerResult, Double> value) {
    return results.stream()
        .filter(PeerResult::isRelay)
        .map(peer ->
            "| %s | %s | %s | %s |\n"
                .formatted(
                    what,
                    peer.title(),
                    quotient(value.apply(peer), peer("nginx").map(value)),
                    quotient(value.apply(peer), peer("Portkey").map(value))))
        .collect(Collectors.joining());
  }

  private static String quotient(double value, Optional<Double> by) {
    return by.map(divisor -> number(value / divisor)).orElse(NONE);
  }

  private static String scaling(ScalingResult result) {
    return """
    | Meanwhile: CPU per delivered token, µs | 1 × | 10 × | ratio |
    |---|---:|---:|---:|
    | readers per log (%,d logs for the many) | %s | %s | %s |
    | length of the log | %s | %s | %s |
    """
        .formatted(
            result.logs(),
            number(result.oneReader().cpuMicrosPerToken()),
            number(result.manyReaders().cpuMicrosPerToken()),
            number(result.readersRatio()),
            number(result.shortLog().cpuMicrosPerToken()),
            number(result.longLog().cpuMicrosPerToken()),
            number(result.lengthRatio()));
  }

  private String goals(PeerResult meanwhile) {
    return Goals.of(meanwhile, peer("nginx"), peer("Portkey"), scaling).stream()
        .map(Goals.Goal::row)
        .collect(
            Collectors.joining(
                "\n", "| goal | allowed | measured | |\n|---|---:|---:|---|\n", "\n"));
  }

  private Optional<PeerResult> peer(String title) {
    return results.stream().filter(peer -> peer.title().equals(title)).findFirst();
  }

  private String row(String label, Function<PeerResult, String> cell) {
    return results.stream()
        .map(cell)
        .collect(Collectors.joining(" | ", "| " + label + " | ", " |\n"));
  }

  /// Without a relay there is no server whose CPU time could be told.
  private static String ofServer(PeerResult peer, double value) {
    return peer.isRelay() ? number(value) : NONE;
  }

  private static String core(PeerResult peer, double utilisation, double disturbance) {
    return "%s + %.0f %%"
        .formatted(peer.isRelay() ? "%.0f".formatted(utilisation * 100) : NONE, disturbance * 100);
  }

  /// Three significant digits, or all digits before the point; a dash where nothing was counted.
  static String number(double value) {
    if (!Double.isFinite(value)) {
      return NONE;
    }
    var size = Math.abs(value);
    var pattern = size >= 100 ? "%,.0f" : size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : "%.3f";
    return String.format(Locale.ROOT, pattern, value);
  }
}
