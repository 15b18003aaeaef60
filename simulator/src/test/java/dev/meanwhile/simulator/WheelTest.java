package dev.meanwhile.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WheelTest {
  private static final long MILLI = 1_000_000;

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final Context loop = vertx.getOrCreateContext();

  @AfterEach
  void stop() {
    vertx.close().await();
  }

  @Test
  void eachFiresOnceAndNeverEarly() throws Exception {
    var done = new CompletableFuture<List<Long>>();
    int entries = 1_000;
    loop.runOnContext(_ -> {
      var wheel = new Wheel(vertx);
      var random = new SplittableRandom(3);
      List<Long> late = new ArrayList<>();
      for (int i = 0; i < entries; i++) {
        long due = System.nanoTime() + random.nextLong(-5, 60) * MILLI;
        Runnable note =
            () -> {
              late.add(System.nanoTime() - due);
              if (late.size() == entries) {
                // A second firing would come by the next turns.
                vertx.setTimer(100, _ -> done.complete(late));
              }
            };
        wheel.schedule(entry(note), due);
        Wheel.Entry other = entry(() -> late.add(-1L));
        wheel.schedule(other, due);
        wheel.cancel(other);
      }
    });
    assertThat(done.get(30, TimeUnit.SECONDS)).hasSize(entries).allMatch(late -> late >= 0);
  }

  /// The wheel once starved its loop: late, it fired what had rescheduled itself again and again.
  @Test
  void theLoopBreathesBetweenFirings() throws Exception {
    var done = new CompletableFuture<List<Integer>>();
    loop.runOnContext(_ -> {
      var wheel = new Wheel(vertx);
      int[] breaths = new int[1];
      List<Integer> seen = new ArrayList<>();
      wheel.schedule(
          new Wheel.Entry() {
            @Override
            void fire() {
              seen.add(breaths[0]);
              loop.runOnContext(_ -> breaths[0]++);
              if (seen.size() == 5) {
                done.complete(seen);
                return;
              }
              long until = System.nanoTime() + 10 * MILLI;
              while (System.nanoTime() < until) {
                Thread.onSpinWait();
              }
              wheel.schedule(this, 0);
            }
          },
          System.nanoTime() + 20 * MILLI);
      // Late from the start.
      long until = System.nanoTime() + 40 * MILLI;
      while (System.nanoTime() < until) {
        Thread.onSpinWait();
      }
    });
    assertThat(done.get(30, TimeUnit.SECONDS)).containsExactly(0, 1, 2, 3, 4);
  }

  private static Wheel.Entry entry(Runnable fire) {
    return new Wheel.Entry() {
      @Override
      void fire() {
        fire.run();
      }
    };
  }
}
