package dev.meanwhile.cache;

import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Runs over logs that were written before, about which nobody decides any more.
public final class Kept {
  private static final Run.Owner NOBODY =
      new Run.Owner() {
        @Override
        public void left() {}

        @Override
        public void returned() {}

        @Override
        public void cancel(Terminal how) {}

        @Override
        public void keep(Consumer<@Nullable String> done) {
          done.accept(null);
        }
      };

  private Kept() {}

  /// @param createdAt in milliseconds since 1970
  public static Run run(String id, Run.About about, long createdAt, RunLog log) {
    return new Run(id, about, createdAt, log, NOBODY);
  }
}
