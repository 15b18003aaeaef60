package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.cache.Key;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.upstream.Request;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// The registry that loops share, every interleaving of small histories: of identical submissions
/// one makes the call, and all others find that until it ends.
public class CoalesceLincheckTest {
  private static final Key KEY = new Key(1, 2, 3, 4);

  private final Coalesce coalesce = new Coalesce(Duration.ofMinutes(1));

  /// A loop on which everything happens at once and no time passes.
  private static final Clock STILL =
      new Clock() {
        @Override
        public long nanos() {
          return 1;
        }

        @Override
        public long millis() {
          return 1;
        }

        @Override
        public void execute(Runnable task) {
          task.run();
        }

        @Override
        public Timer after(Duration delay, Runnable task) {
          return () -> {};
        }
      };

  private final Call.Owner owner =
      new Call.Owner() {
        @Override
        public Queue.Ticket ticket(Queue.Turn turn) {
          throw new AssertionError();
        }

        @Override
        public void named(Call call, String id) {}

        @Override
        public void closing(Call call, Terminal terminal) {
          coalesce.closing(call, false);
        }

        @Override
        public void closed(Call call) {}

        @Override
        public void keep(Call call, Run run, Consumer<@Nullable String> answer) {}

        @Override
        public double dice() {
          return 0;
        }

        @Override
        public void ended(Run run, boolean counted, long firstContent, long total) {}
      };

  private static final Submission SUBMISSION =
      new Submission(
          new Run.About("shop", "chat", "up", "m", false, false, false, null, false, null, 0),
          new Request("up", "chat", "/", List.of(), new byte[0], false),
          false,
          Clocks.DEFAULT,
          OnLeave.CONTINUE,
          Duration.ZERO,
          null,
          false,
          KEY,
          false,
          null);

  /// What a loop does with a request that may be the same as another.
  @Operation
  public String submit() {
    while (true) {
      Call own =
          new Call(
              STILL,
              (_, _) -> () -> {},
              new Work(SUBMISSION.request(), false, Clocks.DEFAULT, 0, 0, false),
              State.fresh(new State.Plan(Clocks.DEFAULT, false, null), false, 0),
              1,
              null,
              KEY,
              null,
              1_000,
              owner);
      Call found = coalesce.register(own, SUBMISSION);
      if (found.equals(own)) {
        return "makes the call";
      }
      // As the loop of the log that was found looks again.
      if (found.isOpenTo(Duration.ZERO)) {
        return "attaches";
      }
    }
  }

  /// The call that is found ends, on its loop.
  @Operation(nonParallelGroup = "loop")
  public void end() {
    Call ending = coalesce.find(SUBMISSION);
    if (ending != null) {
      ending.stop(Terminal.CANCELLED);
    }
  }

  @Test
  void one_of_those_that_are_the_same_makes_the_call() {
    new ModelCheckingOptions()
        .iterations(10)
        .invocationsPerIteration(100)
        .actorsBefore(1)
        .threads(2)
        .actorsPerThread(1)
        .actorsAfter(1)
        .sequentialSpecification(Sequential.class)
        .check(CoalesceLincheckTest.class);
  }

  /// The same as one thread would see it.
  public static class Sequential {
    private boolean open;

    public String submit() {
      if (open) {
        return "attaches";
      }
      open = true;
      return "makes the call";
    }

    public void end() {
      open = false;
    }
  }
}
