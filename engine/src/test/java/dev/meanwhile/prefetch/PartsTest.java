package dev.meanwhile.prefetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.meanwhile.testkit.Seeds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The parts that [Prefetch] is made of, each alone.
class PartsTest {
  private static final long HOUR = Duration.ofHours(1).toMillis();
  private static final long DAY = 24 * HOUR;

  @Test
  void the_rhythm_learns_the_shape_of_a_day() {
    var rhythm = new Rhythm(0);
    for (int minute = 0; minute < 10 * 24 * 60; minute++) {
      rhythm.advance(minute * 60_000L);
      int hour = minute / 60 % 24;
      if (hour >= 8 && hour < 20 || minute % 10 == 0) {
        rhythm.read();
      }
    }
    rhythm.advance(10 * DAY);
    double night = rhythm.ahead(HOUR);
    assertThat(rhythm.ahead(DAY)).isCloseTo((double) DAY, within(1.0));
    assertThat(rhythm.ahead(5 * DAY + HOUR)).isCloseTo(5 * DAY + night, within(1.0));
    double before = rhythm.clock();
    rhythm.advance(10 * DAY + 10 * HOUR);
    double day = rhythm.ahead(HOUR);
    assertThat(day / night).isBetween(5.0, 10.0);
    // What was forecast for the ten hours is what came.
    assertThat(rhythm.clock() - before).isBetween(3.0 * HOUR, 7.0 * HOUR);
  }

  @Test
  void an_hour_never_seen_is_a_mean_one() {
    var rhythm = new Rhythm(0);
    for (int minute = 0; minute < 6 * 60; minute++) {
      rhythm.advance(minute * 60_000L);
      rhythm.read();
    }
    rhythm.advance(6 * HOUR);
    assertThat(rhythm.ahead(HOUR)).isCloseTo((double) HOUR, within(HOUR / 10.0));
  }

  @Test
  void no_hour_of_tokens_is_missed_wherever_it_begins() {
    Seeds.check(
        50,
        random -> {
          var tokens = new HourlyTokens();
          List<long[]> all = new ArrayList<>();
          long now = random.nextLong(-DAY, DAY);
          for (int i = 0; i < 300; i++) {
            now += random.nextInt(10) == 0 ? random.nextLong(2 * HOUR) : random.nextLong(120_000);
            long spent = random.nextLong(1_000);
            tokens.add(spent, now, now);
            all.add(new long[] {now, spent});
            long at = now;
            long hour = all.stream().filter(it -> it[0] > at - HOUR).mapToLong(it -> it[1]).sum();
            long more =
                all.stream().filter(it -> it[0] > at - HOUR - 60_000).mapToLong(it -> it[1]).sum();
            assertThat(tokens.spent(now)).isBetween(hour, more);
          }
        });
  }

  @Test
  void values_that_are_often_read_make_their_combination_likely() {
    var marginals = new Marginals(100, 1e6);
    for (int i = 0; i < 900; i++) {
      marginals.visit(List.of("vip", "shoes" + i % 3), i);
    }
    for (int i = 0; i < 100; i++) {
      marginals.visit(List.of("new", "books"), i + 900);
    }
    double often = marginals.visits(List.of("vip", "books"), 0, 1_000);
    double seldom = marginals.visits(List.of("new", "books"), 0, 1_000);
    double never = marginals.visits(List.of("nobody", "books"), 0, 1_000);
    // 1,000 · 901/1,002 · 101/1,004, less the half of a promille that has faded.
    assertThat(often).isCloseTo(90.4, within(1.0));
    assertThat(seldom).isCloseTo(10.1, within(0.2));
    assertThat(never).isCloseTo(0.1, within(0.01));
    // What a key has added itself says nothing of its values.
    assertThat(marginals.visits(List.of("new", "books"), 100, 1_000)).isLessThan(0.01);
  }

  @Test
  void the_values_that_are_remembered_are_bounded() {
    var marginals = new Marginals(16, 1e6);
    for (int i = 0; i < 1_000; i++) {
      marginals.visit(List.of("often"), i);
      marginals.visit(List.of("once" + i), i);
    }
    assertThat(marginals.visits(List.of("often"), 0, 1_000)).isGreaterThan(900);
    assertThat(marginals.visits(List.of("once0"), 0, 1_000)).isLessThan(2);
  }

  @Test
  void probabilities_rise_with_the_score_and_follow_what_was_observed() {
    Seeds.check(
        50,
        random -> {
          var calibration = new Calibration();
          assertThat(calibration.probability(calibration.bin(1, 0))).isZero();
          for (int i = 0; i < 3_000; i++) {
            double score = random.nextDouble();
            // Scores that promise too much.
            calibration.add(calibration.bin(score, 0), random.nextDouble() < score * score);
          }
          double last = 0;
          for (int i = 0; i <= 100; i++) {
            double probability = calibration.probability(calibration.bin(i / 100.0, 0));
            assertThat(probability).isBetween(last, 1.0);
            last = probability;
            if (i > 5 && i < 95) {
              assertThat(probability).isCloseTo(i * i / 10_000.0, within(0.17));
            }
          }
          assertThat(calibration.probability(calibration.bin(1, 2))).as("another group").isZero();
          assertThat(calibration.bins())
              .allSatisfy(bin -> {
                assertThat(bin.idle()).isZero();
                assertThat(bin.observed()).isBetween(0.0, 1.0);
              });
        });
  }
}
