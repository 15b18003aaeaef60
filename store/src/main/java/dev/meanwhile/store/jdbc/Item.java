package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredLog;
import java.sql.SQLException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Something given to the writer, and what became of it. Apart from being made, it is touched by
/// the writer's thread only.
sealed interface Item {
  /// Whether the group that holds it must survive a loss of power.
  boolean isPromise();

  /// About how many bytes are written.
  long bytes();

  /// It is committed: says what became of it.
  void answer();

  /// It is certain that it will not be written.
  void refuse(String reason);

  /// Nobody can say whether it was or will be written: the store closes.
  void abandon();

  /// A change.
  final class Written implements Item {
    private static final long OVERHEAD = 200;

    private final Change change;
    private final Consumer<Outcome> done;
    private final long node;
    private @Nullable Outcome outcome;

    /// @param node the epoch of this node in which it was given
    Written(Change change, long node, Consumer<Outcome> done) {
      this.change = change;
      this.node = node;
      this.done = done;
    }

    Change change() {
      return change;
    }

    long node() {
      return node;
    }

    void outcome(Outcome now) {
      outcome = now;
    }

    /// Whether it was found to be a matter of rows that are to be overwritten.
    boolean erases() {
      return change instanceof Change.Erased && outcome instanceof Outcome.Stored;
    }

    @Override
    public boolean isPromise() {
      return change.isPromise();
    }

    @Override
    public long bytes() {
      return OVERHEAD
          + switch (change) {
            case Change.Accept it -> it.run().about().length + bytes(it.log());
            case Change.Checkpoint it -> bytes(it.piece());
            case Change.Ended it -> it.terminal().length + bytes(it.last());
            case Change.Kept it -> it.answer().log().length;
            case Change.Lines it -> {
              long sum = 0;
              for (Change.Line line : it.lines()) {
                sum += OVERHEAD + line.run().log().request().length;
              }
              yield sum;
            }
            case Change.Started _,
                Change.Named _,
                Change.Requeued _,
                Change.Cut _,
                Change.CancelRequested _,
                Change.Released _,
                Change.Submitted _,
                Change.Dropped _,
                Change.Erased _,
                Change.Registered _,
                Change.Unregistered _,
                Change.Disabled _,
                Change.Scheduled _,
                Change.Tried _,
                Change.Purged _ ->
                0;
          };
    }

    private static int bytes(@Nullable StoredLog log) {
      return log == null ? 0 : log.request().length;
    }

    private static int bytes(@Nullable Piece piece) {
      return piece == null ? 0 : piece.bytes().length;
    }

    @Override
    public void answer() {
      if (outcome == null) {
        throw new IllegalStateException("no outcome of " + change.getClass());
      }
      done.accept(outcome);
    }

    @Override
    public void refuse(String reason) {
      outcome = new Outcome.Refused(reason);
      done.accept(outcome);
    }

    @Override
    public void abandon() {}
  }

  /// Anything else that writes.
  final class Job<T extends @Nullable Object> implements Item {
    /// What it does within the writer's transaction.
    interface Work<T extends @Nullable Object> {
      T in(Session session, Group group) throws SQLException;
    }

    /// The same, of what is told in channels.
    interface Telling<T extends @Nullable Object> {
      T in(Session session, Group group, Channels channels) throws SQLException;
    }

    private final boolean promise;
    private final Telling<T> work;
    private final Store.Reply<T> reply;
    private @Nullable T result;

    Job(boolean promise, Work<T> work, Store.Reply<T> reply) {
      this(promise, (session, group, _) -> work.in(session, group), reply);
    }

    Job(boolean promise, Telling<T> work, Store.Reply<T> reply) {
      this.promise = promise;
      this.work = work;
      this.reply = reply;
    }

    void run(Session session, Group group, Channels channels) throws SQLException {
      result = work.in(session, group, channels);
    }

    @Override
    public boolean isPromise() {
      return promise;
    }

    @Override
    public long bytes() {
      return 0;
    }

    @Override
    @SuppressWarnings("NullAway") // null only where T is nullable: it has run
    public void answer() {
      reply.is(result);
    }

    @Override
    public void refuse(String reason) {
      reply.failed(reason);
    }

    @Override
    public void abandon() {
      reply.failed("The store was closed.");
    }
  }

  /// The last item: the store closes.
  final class Last implements Item {
    @Override
    public boolean isPromise() {
      return false;
    }

    @Override
    public long bytes() {
      return 0;
    }

    @Override
    public void answer() {}

    @Override
    public void refuse(String reason) {}

    @Override
    public void abandon() {}
  }
}
