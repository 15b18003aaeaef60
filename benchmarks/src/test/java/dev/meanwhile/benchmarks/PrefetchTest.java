package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.benchmarks.Replay.Way;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PrefetchTest {
  @TempDir private Path directory;

  @Test
  void readsTextAndNumbersPackedOrNot() throws IOException {
    var text = "b\r\n\n  ä 1 \nb".getBytes(UTF_8);
    var keys = List.of(List.of("b"), List.of("ä 1"), List.of("b"));
    assertThat(read(text).keys()).isEqualTo(keys);
    var packed = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(packed)) {
      gzip.write(text);
    }
    assertThat(read(packed.toByteArray()).keys()).isEqualTo(keys);
    var numbers = read(new byte[] {0, 0, 1, 0, -1, -1, -1, -1});
    assertThat(numbers.keys()).isEqualTo(List.of(List.of("256"), List.of("4294967295")));
    assertThat(numbers.millis()).containsExactly(0L, Duration.ofDays(5).toMillis());
    assertThatThrownBy(() -> read(new byte[] {0, 0, 1, 0, 7}))
        .hasMessageEndingWith("is neither text nor 32-bit numbers");
    assertThatThrownBy(() -> read(new byte[0])).hasMessageContaining("holds no keys");
    // The start of a file packed by xz, and no more.
    assertThatThrownBy(() -> read(new byte[] {(byte) 0xfd, '7', 'z', 'X', 'Z', 0}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("xz");
  }

  private Trace read(byte[] bytes) throws IOException {
    return Trace.read(Files.write(directory.resolve("trace"), bytes));
  }

  @Test
  void countsMissesStaleAnswersCallsAndWaste() {
    // Ten reads, a lifetime apart; after the third they count.
    var letters = "aaa" + "bcbcabb";
    var keys = letters.chars().mapToObj(it -> List.of(Character.toString(it))).toList();
    var trace = Trace.even("letters", keys);
    assertThat(Replay.of(trace, Way.DEMAND)).isEqualTo(new Replay.Result(7, 7, 0, 7, 0, 0, 0));
    // The last b is read as the one before it is over its lifetime, in its further one.
    assertThat(Replay.of(trace, Way.STALE)).isEqualTo(new Replay.Result(7, 6, 1, 7, 0, 0, 0));
    // a is fetched each night; b and c from the fourth and the fifth on, read in the same moment.
    var nightly = Replay.of(trace, Way.NIGHTLY);
    assertThat(nightly.misses()).isEqualTo(2);
    assertThat(nightly.prefetched()).isEqualTo(7 + 6 + 5);
    assertThat(nightly.read()).isEqualTo(5);
    assertThat(nightly.calls()).isEqualTo(2 + 18);
    // Of the last night's nothing is known but of the one that was read.
    assertThat(nightly.wasted()).isEqualTo(18 - 5 - 2);
  }

  @Test
  void prefetchesWhatIsReadAgainAndAgain() {
    var keys = new ArrayList<List<String>>();
    for (var i = 0; i < 4_000; i++) {
      // 20 keys that come round often, and others that come once.
      keys.add(List.of(i % 2 == 0 ? "often" + i / 2 % 20 : "once" + i));
    }
    var trace = Trace.even("rounds", keys);
    var demand = Replay.of(trace, Way.DEMAND);
    var prefetch = Replay.of(trace, Way.PREFETCH);
    assertThat(demand.misses() - prefetch.misses()).isGreaterThan(100);
    assertThat(prefetch.wasted()).isZero();
    assertThat(prefetch.calls()).isEqualTo(prefetch.misses() + prefetch.prefetched());
  }

  @Test
  void doesNoHarmWhereNothingCanBePredicted() {
    var uniform = SyntheticTraces.uniform();
    assertThat(Replay.of(uniform, Way.PREFETCH)).isEqualTo(Replay.of(uniform, Way.DEMAND));
    var upheaval = SyntheticTraces.upheaval();
    var calls = Replay.of(upheaval, Way.DEMAND).calls();
    assertThat((double) Replay.of(upheaval, Way.PREFETCH).calls() / calls).isLessThan(1.05);
  }

  @Test
  void reportsGoals() {
    var results = new EnumMap<Way, Replay.Result>(Way.class);
    results.put(Way.DEMAND, new Replay.Result(1_000, 200, 0, 200, 0, 0, 0));
    results.put(Way.BOTH, new Replay.Result(1_000, 159, 30, 229, 60, 40, 10));
    results.put(Way.NIGHTLY, new Replay.Result(1_000, 20, 0, 805, 785, 100, 600));
    assertThat(PrefetchReport.goals(results))
        .contains("| fewer misses than demand only | ≥ 20 % | 20.5 % | reached |")
        .contains("| more calls than demand only | ≤ 15 % | 14.5 % | reached |")
        .contains("| waste | ≤ 20 % | 20.0 % | reached |")
        .contains("| ≥ 3.5 | 3.5 | reached |");
    results.put(Way.BOTH, new Replay.Result(1_000, 161, 30, 231, 60, 39, 10));
    assertThat(PrefetchReport.goals(results)).doesNotContain("| reached |");
    var trace = Trace.even("two", List.of(List.of("a"), List.of("b")));
    assertThat(PrefetchReport.table(trace, results))
        .contains("2 reads of 2 keys, counted 1,000.")
        .contains("| 161 | -19.5 % | 30 | 231 | +15.5 % | 60 | 20.4 % |");
  }
}
