package dev.meanwhile.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TimelineTest {
  private static final Draw DRAW = new Draw(1_000, Draw.Kind.BODY);

  @Test
  void theDrawOfStandardIsItsFirstToken() {
    var timeline = Timeline.of(Model.STANDARD, DRAW);
    assertThat(millis(timeline, 0)).isEqualTo(1_000);
    assertThat(millis(timeline, 40)).isEqualTo(2_000);
    assertThat(Timeline.millis(timeline.total(40))).isEqualTo(1_975);
  }

  @Test
  void theDrawOfOthersIsTheAnswerOfFortyTokens() {
    var timeline = Timeline.of(Model.COMPLEX, DRAW);
    assertThat(millis(timeline, 0)).isEqualTo(400);
    assertThat(millis(timeline, 13)).isEqualTo(600);
    assertThat(millis(timeline, 39)).isEqualTo(1_000);
    assertThat(millis(timeline, 41)).isEqualTo(1_050);
    assertThat(Timeline.millis(timeline.total(1))).isEqualTo(400);
    assertThat(Timeline.millis(timeline.total(0))).isEqualTo(400);
  }

  @Test
  void callersMayFixThePace() {
    var timeline = Timeline.of(Model.FAST, DRAW).with(7L, 0.5);
    assertThat(timeline.at(0)).isEqualTo(7_000_000);
    assertThat(timeline.at(100)).isEqualTo(57_000_000);
    assertThat(Timeline.of(Model.FAST, DRAW).with(null, null))
        .isEqualTo(Timeline.of(Model.FAST, DRAW));
  }

  private static long millis(Timeline timeline, int token) {
    return Timeline.millis(timeline.at(token));
  }
}
