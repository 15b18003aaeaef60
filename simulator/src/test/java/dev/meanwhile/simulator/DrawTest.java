package dev.meanwhile.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DrawTest {
  private static final long SEED = 7;
  private static final int DRAWS = 100_000;

  @ParameterizedTest
  @CsvSource({
    "FAST, 490, .298",
    "STANDARD, 1265, .279",
    "COMPLEX, 3162, .279",
    "VISION, 1732, .334",
    "EMBEDDING, 224, .489"
  })
  void theClassesAreTheCatalogues(Model model, double median, double sigma) {
    assertThat(model.latency().median()).isCloseTo(median, within(0.7));
    assertThat(model.latency().sigma()).isCloseTo(sigma, within(0.001));
  }

  @ParameterizedTest
  @EnumSource
  void theBodyLiesInItsRange(Model model) {
    long[] body = sorted(draws(model), Draw.Kind.BODY);
    LogNormal latency = model.latency();
    assertThat(percentile(body, 5)).isCloseTo(latency.p5(), Percentage.withPercentage(2));
    assertThat(percentile(body, 50)).isCloseTo(latency.median(), Percentage.withPercentage(2));
    assertThat(percentile(body, 95)).isCloseTo(latency.p95(), Percentage.withPercentage(2));
  }

  @Test
  void someStraggleAndFewStall() {
    Draw[] draws = draws(Model.FAST);
    long[] stragglers = sorted(draws, Draw.Kind.STRAGGLER);
    long[] stalls = sorted(draws, Draw.Kind.STALL);
    assertThat(stragglers.length / (double) DRAWS).as("seed %d", SEED).isCloseTo(.03, within(.003));
    assertThat(percentile(stragglers, 50) / Model.FAST.latency().median())
        .isCloseTo(5, within(.25));
    assertThat(stalls.length / (double) DRAWS).as("seed %d", SEED).isCloseTo(.001, within(.0004));
    assertThat(stalls[0]).isGreaterThanOrEqualTo(30_000);
    assertThat(stalls[stalls.length - 1]).isLessThanOrEqualTo(60_000);
  }

  @Test
  void theSameSeedDrawsTheSame() {
    assertThat(draws(Model.VISION)).isEqualTo(draws(Model.VISION));
  }

  private static Draw[] draws(Model model) {
    var random = new SplittableRandom(SEED);
    return IntStream.range(0, DRAWS)
        .mapToObj(_ -> Draw.of(model.latency(), random))
        .toArray(Draw[]::new);
  }

  private static long[] sorted(Draw[] draws, Draw.Kind kind) {
    return Arrays.stream(draws)
        .filter(draw -> draw.kind() == kind)
        .mapToLong(Draw::millis)
        .sorted()
        .toArray();
  }

  private static double percentile(long[] sorted, int percent) {
    return sorted[sorted.length * percent / 100];
  }
}
