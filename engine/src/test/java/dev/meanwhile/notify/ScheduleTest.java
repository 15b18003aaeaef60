package dev.meanwhile.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  private static final double MIDDLE = 0.5;

  @Test
  void triesTenTimes() {
    var pauses = new ArrayList<@Nullable Duration>();
    for (int tries = 1; tries < 10; tries++) {
      pauses.add(Schedule.pause(tries, MIDDLE, null));
    }
    assertThat(pauses)
        .isEqualTo(
            List.of(
                Duration.ofSeconds(5),
                Duration.ofMinutes(5),
                Duration.ofMinutes(30),
                Duration.ofHours(2),
                Duration.ofHours(5),
                Duration.ofHours(10),
                Duration.ofHours(14),
                Duration.ofHours(20),
                Duration.ofHours(24)));
  }

  @Test
  void scattersByAFifth() {
    assertThat(Schedule.pause(1, 0, null)).isEqualTo(Duration.ofSeconds(4));
    var random = new Random(7);
    for (int i = 0; i < 1_000; i++) {
      assertThat(Schedule.pause(2, random.nextDouble(), null))
          .isBetween(Duration.ofMinutes(4), Duration.ofMinutes(6));
    }
  }

  @Test
  void leavesAnEndpointAloneAsLongAsItAsks() {
    assertThat(Schedule.pause(1, MIDDLE, Duration.ofSeconds(90))).isEqualTo(Duration.ofSeconds(90));
    assertThat(Schedule.pause(2, MIDDLE, Duration.ofSeconds(90))).isEqualTo(Duration.ofMinutes(5));
    assertThat(Schedule.pause(1, MIDDLE, Duration.ofDays(9))).isEqualTo(Duration.ofHours(24));
    assertThat(Schedule.pause(10, MIDDLE, Duration.ofSeconds(1))).isNull();
  }
}
