package dev.meanwhile.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What Meanwhile should reach beside its peers, and whether it did.
final class Goals {
  private static final double PLAIN_TO_NGINX = 4;
  private static final double PLAIN_TO_PORTKEY = 1.0 / 25;
  private static final double TOKEN_TO_NGINX = 1.6;
  private static final double P99_MILLIS = 5;
  private static final double KILOBYTES_PER_STREAM = 30;
  private static final double SCALING = 1.1;

  private Goals() {}

  /// One goal: what, how much is allowed, how much was measured, and in which unit.
  record Goal(String what, double atMost, double measured, String unit) {
    boolean reached() {
      return measured <= atMost;
    }

    String row() {
      return String.format(
          Locale.ROOT,
          "| %s | ≤ %.2f%s | %.2f%s | %s |",
          what,
          atMost,
          unit,
          measured,
          unit,
          reached() ? "reached" : "**not reached**");
    }
  }

  /// The goals for which there is a measurement; peers that did not take part are left out.
  static List<Goal> of(
      PeerResult meanwhile,
      Optional<PeerResult> nginx,
      Optional<PeerResult> portkey,
      Optional<ScalingResult> scaling) {
    var goals = new ArrayList<Goal>();
    var plain = meanwhile.plain().cpuMicrosPerCall();
    var token = meanwhile.some().window().cpuMicrosPerToken();
    nginx.ifPresent(limit -> {
      goals.add(
          new Goal(
              "CPU per plain call ÷ nginx",
              PLAIN_TO_NGINX,
              plain / limit.plain().cpuMicrosPerCall(),
              ""));
      goals.add(
          new Goal(
              "CPU per streamed token ÷ nginx",
              TOKEN_TO_NGINX,
              token / limit.some().window().cpuMicrosPerToken(),
              ""));
    });
    portkey.ifPresent(peer ->
        goals.add(
            new Goal(
                "CPU per plain call ÷ Portkey",
                PLAIN_TO_PORTKEY,
                plain / peer.plain().cpuMicrosPerCall(),
                "")));
    goals.add(
        new Goal(
            "p99 added delay per token, %,d streams".formatted(meanwhile.many().streams()),
            P99_MILLIS,
            meanwhile.many().window().delays().p99() / 1e6,
            " ms"));
    goals.add(new Goal("tokens lost", 0, meanwhile.many().lost(), ""));
    meanwhile
        .memory()
        .ifPresent(memory ->
            goals.add(
                new Goal(
                    "memory per open stream",
                    KILOBYTES_PER_STREAM,
                    memory.livePerStream().orElseGet(memory::residentPerStream),
                    " KB")));
    scaling.ifPresent(ratios -> {
      goals.add(new Goal("cost per token, 10 × the readers", SCALING, ratios.readersRatio(), ""));
      goals.add(
          new Goal("cost per token, 10 × the log's length", SCALING, ratios.lengthRatio(), ""));
    });
    return List.copyOf(goals);
  }
}
