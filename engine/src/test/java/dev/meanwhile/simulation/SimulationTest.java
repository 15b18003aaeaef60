package dev.meanwhile.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.testkit.Seeds;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SimulationTest {
  private static final int HISTORIES = 3_000;

  /// What must have happened so often, so that this is no proof of nothing.
  private static final Map<String, Integer> ENOUGH =
      Map.ofEntries(
          Map.entry("Accept", 10_000),
          Map.entry("CancelRequested", 200),
          Map.entry("Checkpoint", 3_000),
          Map.entry("Cut", 30),
          Map.entry("Ended", 10_000),
          Map.entry("Erased", 500),
          Map.entry("Released", 1_000),
          Map.entry("Requeued", 1_000),
          Map.entry("Started", 10_000),
          Map.entry("claims", 3_000),
          Map.entry("claims of what has content", 400),
          Map.entry("pieces of an attempt after a lost one", 1_000),
          Map.entry("kept", 600),
          Map.entry("not kept", 600),
          Map.entry("completed", 10_000),
          Map.entry("cancelled", 1_000),
          Map.entry("deadline_exceeded", 20),
          Map.entry("lost_to_crashes", 20),
          Map.entry("shutting_down", 500),
          Map.entry("superseded", 200),
          Map.entry("expired", 200));

  @Test
  void whatever_happens_what_was_promised_ends_once_and_reads_the_same() {
    var tally = new TreeMap<String, Integer>();
    Seeds.check(
        HISTORIES,
        random -> {
          var simulation = new Simulation(random);
          simulation.run();
          simulation.tally().forEach((what, count) -> tally.merge(what, count, Integer::sum));
        });
    if (Long.getLong("seed") == null) {
      ENOUGH.forEach((what, least) ->
          assertThat(tally.getOrDefault(what, 0))
              .as("how often there was %s, of %s", what, tally)
              .isGreaterThan(least));
    }
  }
}
