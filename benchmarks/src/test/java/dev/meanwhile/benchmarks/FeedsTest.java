package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class FeedsTest {
  private static final long MILLISECOND = 1_000_000;
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final String END = "[DONE]";

  @Test
  void reportsGoal() {
    assertThat(FeedsReport.table(result(50, 0, 0), FeedsPlan.quick()))
        .startsWith("| 1,700 open feeds, 300 runs followed by one, a run followed by 300 | |")
        .contains("| memory with all of them, MB resident (over idle) | 51 (22) |")
        .contains("| per reader, KB resident | 10.0 |")
        .contains("| CPU while nothing happens, of one core | 2.00 % |")
        .contains("| an end to 300 followers: p50 / p99 / max, ms | 25.0 / 50.0 / 50.0 |")
        .contains("| p99 of an end to its followers | ≤ 50 ms | 50.0 ms | reached |");
    assertThat(FeedsReport.table(result(52, 0, 0), FeedsPlan.quick()))
        .contains("| ≤ 50 ms | 52.0 ms | **not reached** |");
    // Who was never told has no time that would count.
    assertThat(FeedsReport.table(result(50, 1, 0), FeedsPlan.quick()))
        .contains("| readers that were not told | 1 |", "**not reached**");
    assertThat(FeedsReport.table(result(50, 0, 0.2), FeedsPlan.quick()))
        .startsWith("**Disturbed: others took 20 %");
  }

  @Test
  void endReachesAllItsReadersAndNoOther() throws IOException {
    try (var loop = new Loop()) {
      var origin = new Origin(loop, 1);
      origin.plays(new Script.Stream(Duration.ZERO, 2, Duration.ofMillis(1), Script.Ending.HOLDS));
      var target = new Target(origin.port(), "");
      var readers = Stream.generate(() -> new EventReader(loop, target)).limit(5).toList();
      assertThat(loop.run(() -> readers.stream().allMatch(EventReader::isConnected), LONG))
          .isTrue();
      for (var i = 0; i < readers.size(); i++) {
        readers.get(i).ask(target.streamedCall(i), END);
      }
      assertThat(loop.run(() -> origin.held() == 5, LONG)).isTrue();
      assertThat(loop.run(() -> readers.stream().allMatch(EventReader::isOpen), LONG)).isTrue();
      assertThat(readers).noneMatch(reader -> reader.seenAt() > 0);
      var began = origin.endLast();
      assertThat(loop.run(() -> readers.stream().anyMatch(it -> it.seenAt() > 0), LONG)).isTrue();
      var told = readers.stream().filter(it -> it.seenAt() > 0).toList();
      assertThat(told).hasSize(1).allMatch(it -> it.seenAt() >= began);
      assertThat(loop.run(() -> !told.getFirst().isOpen(), LONG)).isTrue();
      assertThat(readers.stream().filter(EventReader::isOpen)).hasSize(4);
      assertThat(origin.held()).isEqualTo(4);
      // The connection is good for the next stream.
      told.getFirst().ask(target.streamedCall(9), END);
      assertThat(loop.run(() -> origin.held() == 5 && told.getFirst().isOpen(), LONG)).isTrue();
      assertThat(told.getFirst().seenAt()).isZero();
      readers.forEach(EventReader::close);
    }
  }

  @Test
  void readerFindsItsTextHoweverItIsCut() throws IOException {
    try (var loop = new Loop()) {
      var port = loop.listen(_ -> new Silent());
      try (var reader = new EventReader(loop, new Target(port, ""))) {
        assertThat(loop.run(reader::isConnected, LONG)).isTrue();
        reader.ask(ByteBuffer.allocate(0), "event: done");
        for (var piece : List.of("event: delta\nev", "ent", "event: don", "e\n")) {
          assertThat(reader.seenAt()).as(piece).isZero();
          reader.body(ByteBuffer.wrap(piece.getBytes(US_ASCII)));
        }
        assertThat(reader.seenAt()).isPositive();
        reader.expect();
        assertThat(reader.seenAt()).isZero();
      }
    }
  }

  private static final class Silent implements Connection.Handler {
    @Override
    public void connected() {}

    @Override
    public void received(ByteBuffer bytes) {}

    @Override
    public void closed() {}
  }

  /// 22 MB of 2,300 readers, and an end that took from 1 ms on.
  private static FeedsResult result(int millis, int lost, double others) {
    var open = new Memory(30_000_000 + 2_300 * 10_240, OptionalLong.of(20_000_000));
    return new FeedsResult(
        new MemoryResult(new Memory(30_000_000, OptionalLong.of(10_000_000)), open, 2_300),
        100 * MILLISECOND,
        Duration.ofSeconds(5),
        LongStream.rangeClosed(1, millis).map(it -> it * MILLISECOND).toArray(),
        LongStream.of(MILLISECOND).toArray(),
        lost,
        others);
  }
}
