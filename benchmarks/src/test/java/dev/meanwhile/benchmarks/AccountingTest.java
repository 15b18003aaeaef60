package dev.meanwhile.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/// What Linux and the JVM print, read as numbers.
final class AccountingTest {
  @Test
  void addsUserAndSystemTimeOfProcess() {
    var stat = "42 (a (strange) name) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 7 8 20 0 9 0 1 2 3";
    assertThat(ProcessTree.ticks(stat)).isEqualTo(300);
  }

  @Test
  void countsAllButIdleTimeOfCore() {
    var stat = List.of("cpu  9 9 9 9 9 9 9 9 9 9", "cpu0 1 20 300 4000 5000 6 70 800 9 9");
    assertThat(Usage.takenTicks(stat, "cpu0")).isEqualTo(1 + 20 + 300 + 6 + 70 + 800);
  }

  @Test
  void readsUsedHeapOfAnyCollector() {
    assertThat(Memory.heapUsed(" ZHeap           used 24M, capacity 128M, max capacity 5900M"))
        .isEqualTo(24L << 20);
    assertThat(Memory.heapUsed(" garbage-first heap   total reserved 4K, used 1234K [0x, 0x)"))
        .isEqualTo(1234L << 10);
  }

  @Test
  void leavesHeapOutOfNativeMemory() {
    var summary =
        """
        Total: reserved=5000KB, committed=3000KB
               malloc: 100KB #10, peak=100KB #10
        -                 Java Heap (reserved=4000KB, committed=1000KB)
        """;
    assertThat(Memory.outsideHeap(summary)).isEqualTo(2000L << 10);
  }
}
