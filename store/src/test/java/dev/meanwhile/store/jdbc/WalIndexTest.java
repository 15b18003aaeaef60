package dev.meanwhile.store.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The writer and the thread that copies read it at the same time.
class WalIndexTest {
  private static final int READS = 20_000;

  @TempDir Path directory = Path.of("");

  @Test
  void threads_do_not_read_what_others_asked_for() throws Exception {
    Path database = directory.resolve("some.db");
    var header = ByteBuffer.allocate(136).order(ByteOrder.nativeOrder());
    header.putInt(16, 17).putInt(32, 1_600_000_000).putInt(96, 11);
    Files.write(directory.resolve("some.db-shm"), header.array());
    try (var index = new WalIndex(database);
        var threads = Executors.newFixedThreadPool(3)) {
      List<Callable<Integer>> asking = List.of(index::frames, index::salt, index::copied);
      var answers =
          threads.invokeAll(asking.stream().map(WalIndexTest::distinct).toList()).stream()
              .map(done -> done.resultNow())
              .toList();
      assertThat(answers).containsExactly(List.of(17), List.of(1_600_000_000), List.of(11));
    }
  }

  private static Callable<List<Integer>> distinct(Callable<Integer> asking) {
    return () -> {
      var answers = new TreeSet<Integer>();
      for (int i = 0; i < READS; i++) {
        answers.add(asking.call());
      }
      return List.copyOf(answers);
    };
  }
}
