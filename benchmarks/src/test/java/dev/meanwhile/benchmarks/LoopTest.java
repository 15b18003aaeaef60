package dev.meanwhile.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/// Origin and loads against each other, without a relay.
final class LoopTest {
  private static final Duration LONG = Duration.ofMinutes(1);

  @Test
  void everyTokenArrivesInOrder() throws IOException {
    try (var loop = new Loop()) {
      var origin = new Origin(loop, 2);
      origin.plays(new Script.Stream(Duration.ZERO, 20, Duration.ofMillis(1), Script.Ending.ENDS));
      var target = new Target(origin.port(), "");
      var load =
          new StreamLoad(loop, target.port(), 10, Duration.ofMillis(1), target::streamedCall);
      load.record();
      assertThat(loop.run(load::isDone, LONG)).isTrue();
      assertThat(load.ended()).isEqualTo(10);
      assertThat(load.tokens()).isEqualTo(200);
      assertThat(load.outOfOrder()).isZero();
      assertThat(load.recorded().getTotalCount()).isEqualTo(200);
      assertThat(origin.streams()).isEqualTo(10);
    }
  }

  @Test
  void plainCallsAreAnswered() throws IOException {
    try (var loop = new Loop()) {
      var origin = new Origin(loop, 2);
      origin.plays(new Script.Plain(600, Duration.ofMillis(1)));
      try (var load = new PlainLoad(loop, new Target(origin.port(), ""), 2)) {
        assertThat(loop.run(() -> load.answers() >= 10, LONG)).isTrue();
        assertThat(load.failures()).isZero();
      }
    }
  }

  @Test
  void brokenStreamsAreCounted() throws IOException {
    try (var loop = new Loop()) {
      var port = loop.listen(Refusing::new);
      var target = new Target(port, "");
      var load = new StreamLoad(loop, port, 3, Duration.ofMillis(1), target::streamedCall);
      assertThat(loop.run(load::isDone, LONG)).isTrue();
      assertThat(load.broken()).isEqualTo(3);
      assertThat(load.ended()).isZero();
    }
  }

  private record Refusing(Connection connection) implements Connection.Handler {
    @Override
    public void connected() {}

    @Override
    public void received(ByteBuffer bytes) {
      connection.close();
    }

    @Override
    public void closed() {}
  }
}
