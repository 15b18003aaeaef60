package dev.meanwhile.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.testkit.Seeds;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class BatchHistoryTest {
  private static final int HISTORIES = 1_000;

  /// What must have happened so often, so that this is no proof of nothing.
  private static final Map<String, Integer> ENOUGH =
      Map.of(
          "completed", 300,
          "cancelled", 100,
          "cut off", 50,
          "left nothing", 50,
          "crashes", 300,
          "stops", 300,
          "leases lost", 100,
          "lines with an answer", 5_000);

  @Test
  void whatever_happens_a_batch_ends_once_with_all_its_lines_or_leaves_nothing() {
    var tally = new TreeMap<String, Integer>();
    Seeds.check(
        HISTORIES,
        random -> {
          var history = new BatchHistory(random);
          history.run();
          history.tally().forEach((what, count) -> tally.merge(what, count, Integer::sum));
        });
    if (Long.getLong("seed") == null) {
      ENOUGH.forEach((what, least) ->
          assertThat(tally.getOrDefault(what, 0))
              .as("how often there was %s, of %s", what, tally)
              .isGreaterThan(least));
    }
  }
}
