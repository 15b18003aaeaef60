package dev.meanwhile.view;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.testkit.Seeds;
import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// The log's promise: many readers and one writer, each on a loop of its own at a random speed,
/// leaving and coming back at random: every reader sees exactly the log.
class FollowTest {
  @Test
  void every_reader_sees_exactly_the_log() {
    Seeds.check(2_000, random -> new World(random).run());
  }

  @Test
  void a_reader_that_stands_still_delays_nobody_and_holds_nothing() {
    var log = new RunLog(Runnable::run, 0, 1 << 20);
    LogWriter writer = log.begin();
    var about = new Run.About("t", "chat", "u", "m", true, false, false, null, false, null, 0);
    var seen = new ArrayList<Integer>();
    var stalled = new ArrayList<Integer>();
    for (int i = 0; i < 1_000; i++) {
      var run = new Run("run_" + i, about, 0, log, new Nobody());
      new Follow(run, 0, Runnable::run, new Counting(stalled, false)).begin();
    }
    var lively = new Run("run_lively", about, 0, log, new Nobody());
    new Follow(lively, 0, Runnable::run, new Counting(seen, true)).begin();
    int alone = footprintOf(100);
    for (int i = 1; i <= 100; i++) {
      writer.append(Kind.CONTENT, 0, new byte[300], 0, 300);
      writer.publish();
      assertThat(seen).as("each event reaches the others at once").hasSize(i);
    }
    assertThat(stalled).as("one event each, then full").hasSize(1_000);
    assertThat(log.footprint()).as("bounded by the log, not by its readers").isEqualTo(alone);
  }

  private static int footprintOf(int events) {
    var log = new RunLog(Runnable::run, 0, 1 << 20);
    LogWriter writer = log.begin();
    for (int i = 0; i < events; i++) {
      writer.append(Kind.CONTENT, 0, new byte[300], 0, 300);
    }
    writer.publish();
    return log.footprint();
  }

  private record Counting(List<Integer> seen, boolean lively) implements Follow.Sink {
    @Override
    public boolean events(LogReader log, int from, int to) {
      seen.add(to);
      return lively;
    }

    @Override
    public void ended(Terminal terminal) {}
  }

  /// Loops as queues: the schedule is random, and a seed replays it.
  private static final class World {
    private final SplittableRandom random;
    private final List<Deque<Runnable>> loops = new ArrayList<>();
    private final List<Reader> readers = new ArrayList<>();
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final RunLog log;
    private final LogWriter writer;
    private int current = -1;
    private int toWrite;

    World(SplittableRandom random) {
      this.random = random;
      log = new RunLog(loop(0), 0, 1 << 20);
      writer = log.begin();
      toWrite = random.nextInt(40);
      for (int i = 0; i < 1 + random.nextInt(8); i++) {
        var run =
            new Run(
                "run_" + i,
                new Run.About("t", "chat", "u", "m", true, false, false, null, false, null, 0),
                0,
                log,
                new Nobody());
        readers.add(new Reader(this, run, loop(random.nextInt(4))));
      }
    }

    private Executor loop(int number) {
      while (loops.size() <= number) {
        loops.add(new ArrayDeque<>());
      }
      return task -> {
        if (current == number) {
          task.run();
        } else {
          loops.get(number).add(task);
        }
      };
    }

    void run() {
      int steps = 0;
      boolean closed = false;
      while (!closed || busy() || readers.stream().anyMatch(reader -> reader.ended == 0)) {
        assertThat(steps++).as("it comes to an end").isLessThan(100_000);
        int pick = random.nextInt(loops.size() + 2);
        if (pick < loops.size()) {
          Runnable task = loops.get(pick).poll();
          if (task != null) {
            on(pick, task);
          }
        } else if (pick == loops.size()) {
          closed = closed || write();
        } else if (loops.stream().allMatch(queue -> queue.size() < 50)) {
          readers.get(random.nextInt(readers.size())).act();
        }
      }
      for (Reader reader : readers) {
        assertThat(reader.seen.toByteArray()).isEqualTo(written.toByteArray());
        assertThat(reader.ended).isEqualTo(1);
        assertThat(reader.run.readers()).as("nobody is left behind").isZero();
      }
    }

    private boolean busy() {
      return loops.stream().anyMatch(queue -> !queue.isEmpty());
    }

    private boolean write() {
      if (toWrite == 0) {
        on(0, () -> writer.close(Terminal.COMPLETED, 1));
        return true;
      }
      toWrite--;
      on(
          0,
          () -> {
            for (int i = random.nextInt(4); i > 0; i--) {
              byte[] event = new byte[random.nextInt(700)];
              for (int k = 0; k < event.length; k++) {
                event[k] = (byte) random.nextInt();
              }
              writer.append(Kind.CONTENT, 0, event, 0, event.length);
              written.writeBytes(event);
            }
            writer.publish();
          });
      return false;
    }

    private void on(int loop, Runnable task) {
      current = loop;
      task.run();
      current = -1;
    }
  }

  /// A reader that is slow, leaves, and comes back where it was.
  private static final class Reader implements Follow.Sink {
    private final World world;
    private final Run run;
    private final Executor loop;
    private final ByteArrayOutputStream seen = new ByteArrayOutputStream();
    private @Nullable Follow follow;
    private int offset;
    private int ended;

    Reader(World world, Run run, Executor loop) {
      this.world = world;
      this.run = run;
      this.loop = loop;
    }

    void act() {
      loop.execute(() -> {
        if (ended > 0) {
          return;
        }
        Follow present = follow;
        if (present == null) {
          follow = new Follow(run, offset, loop, this);
          follow.begin();
        } else if (world.random.nextInt(3) == 0) {
          present.stop();
          follow = null;
        } else {
          present.resume();
        }
      });
    }

    @Override
    public boolean events(LogReader log, int from, int to) {
      assertThat(from).as("no gap, no repetition").isEqualTo(offset);
      seen.writeBytes(log.bytes(from, to));
      offset = to;
      return world.random.nextBoolean();
    }

    @Override
    public void ended(Terminal terminal) {
      ended++;
    }
  }

  private static final class Nobody implements Run.Owner {
    @Override
    public void keep(Consumer<@Nullable String> done) {}

    @Override
    public void left() {}

    @Override
    public void returned() {}

    @Override
    public void cancel(Terminal how) {}
  }
}
