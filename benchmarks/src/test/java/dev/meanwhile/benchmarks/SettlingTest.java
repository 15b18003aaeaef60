package dev.meanwhile.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class SettlingTest {
  private final Settling settling = new Settling();

  @Test
  void settlesAfterTwoSmallChanges() {
    assertThat(settling.settled(4000)).isFalse();
    assertThat(settling.settled(160)).isFalse();
    assertThat(settling.settled(150)).isFalse();
    assertThat(settling.settled(155)).isTrue();
  }

  @Test
  void beginsAnewAfterLargeChange() {
    assertThat(settling.settled(100)).isFalse();
    assertThat(settling.settled(95)).isFalse();
    assertThat(settling.settled(120)).isFalse();
    assertThat(settling.settled(115)).isFalse();
    assertThat(settling.settled(116)).isTrue();
  }

  @Test
  void windowWithoutAnswersSettlesNothing() {
    assertThat(settling.settled(100)).isFalse();
    assertThat(settling.settled(100)).isFalse();
    assertThat(settling.settled(Double.POSITIVE_INFINITY)).isFalse();
    assertThat(settling.settled(Double.POSITIVE_INFINITY)).isFalse();
    assertThat(settling.settled(Double.NaN)).isFalse();
    assertThat(settling.settled(100)).isFalse();
    assertThat(settling.settled(100)).isFalse();
    assertThat(settling.settled(100)).isTrue();
  }

  @Test
  void nothingThatCostsSettlesAtOnce() {
    assertThat(settling.settled(0)).isFalse();
    assertThat(settling.settled(0)).isFalse();
    assertThat(settling.settled(0)).isTrue();
  }
}
