package dev.meanwhile.server.route;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/// The graces of a caller that has left; that the engine keeps to them is tested there.
class GraceTest {
  @Test
  void dependsOnTheKindOfCall() {
    assertThat(CallRoute.grace(false, false)).isZero();
    assertThat(CallRoute.grace(false, true)).isEqualTo(Duration.ofSeconds(10));
    assertThat(CallRoute.grace(true, false)).isEqualTo(Duration.ofSeconds(15));
    assertThat(CallRoute.grace(true, true)).isEqualTo(Duration.ofSeconds(15));
  }
}
