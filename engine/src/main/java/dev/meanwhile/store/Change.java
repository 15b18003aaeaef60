package dev.meanwhile.store;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// One thing to write. Each is idempotent: written twice it is as if written once.
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public sealed interface Change {
  /// Whether it is answered only once it would survive a loss of power.
  boolean isPromise();

  /// Whether it is refused at once while nothing can be written: whoever gave it does without, or
  /// says so.
  default boolean isRefusable() {
    return false;
  }

  /// A run was accepted. Answered with [Outcome.Conflict] and not written if its idempotency key is
  /// held by another run.
  ///
  /// @param run the run, its log being the same id as `log`'s
  /// @param log the log if it is not stored yet, owned by this node from now on; null if this run
  ///   reads one that is
  /// @param key held by the run from now on, or null
  /// @param told who is told of its end in any case
  /// @param label in which channel it is told of, from now on and at each change of its state; or
  ///   null
  /// @param api the dialect its caller speaks
  /// @param lasting whether the log is kept for longer than others
  /// @param lateAt from when on its end is late, in milliseconds since 1970; 0: never
  record Accept(
      StoredRun run,
      @Nullable StoredLog log,
      @Nullable IdempotencyEntry key,
      Told told,
      @Nullable Label label,
      String api,
      boolean lasting,
      long lateAt)
      implements Change {
    /// One that is never late.
    public Accept(
        StoredRun run,
        @Nullable StoredLog log,
        @Nullable IdempotencyEntry key,
        Told told,
        @Nullable Label label,
        String api,
        boolean lasting) {
      this(run, log, key, told, label, api, lasting, 0);
    }

    public Accept(StoredRun run, @Nullable StoredLog log, @Nullable IdempotencyEntry key) {
      this(run, log, key, Told.NOBODY, null, "", false);
    }

    /// Whether an end at `endedAt`, 0 if there is none, is late.
    public boolean isLate(long endedAt) {
      return lateAt > 0 && endedAt >= lateAt;
    }

    @Override
    public boolean isPromise() {
      return true;
    }

    @Override
    public boolean isRefusable() {
      return true;
    }
  }

  /// An attempt began: its number is the fence from now on. What older attempts wrote stays.
  ///
  /// @param attempt one more than the log's current attempt, or the same again
  record Started(String log, int attempt, long at) implements Change {
    @Override
    public boolean isPromise() {
      return false;
    }
  }

  /// The upstream's own id for what the attempt writes: from now on [Store#find] finds the log's
  /// first run by it too.
  record Named(String log, int attempt, String name) implements Change {
    @Override
    public boolean isPromise() {
      return false;
    }
  }

  /// More of a log.
  record Checkpoint(String log, int attempt, Piece piece, byte @Nullable [] head)
      implements Change {
    @Override
    public boolean isPromise() {
      return false;
    }
  }

  /// A log waits for its next attempt.
  ///
  /// @param notBefore when that may begin, in milliseconds since 1970
  record Requeued(String log, int attempt, long notBefore) implements Change {
    @Override
    public boolean isPromise() {
      return false;
    }
  }

  /// A log ended, and with it all its runs that have not. Whoever wants to know has a notice of
  /// each from then on.
  ///
  /// @param status one of completed, incomplete, failed, cancelled
  /// @param at when, in milliseconds since 1970
  /// @param last what of the attempt's bytes is not yet stored, or null if all is
  /// @param terminal the terminal event, encoded
  /// @param freesKeys whether idempotency keys held by its runs are given up: the answer is not one
  ///   to be replayed
  record Ended(
      String log,
      int attempt,
      String status,
      long at,
      @Nullable Piece last,
      byte @Nullable [] head,
      byte[] terminal,
      boolean freesKeys)
      implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// One run was cancelled while its log goes on for others: it ends at `end`, of which endpoints
  /// have notices as of any end. Gives up its idempotency key.
  record Cut(String log, int attempt, String run, int end, long at) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// A run is to be stopped by whoever owns its log; that node's listener is told within a second.
  /// Of a batch it is all lines; those that nobody has taken end as [Store#take] comes to them. Not
  /// the owner's alone to write. Nothing happens to a run that has ended or is gone: that is
  /// [Outcome.Fenced].
  record CancelRequested(String run) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// This node gives these unfinished logs up, in good order: they are queued again, and the next
  /// owner's attempt counts nothing as lost. Those among them that it does not own, or that have
  /// ended, stay as they are.
  record Released(List<String> logs) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// An ended run, its idempotency key, its log if no other run reads it, and the answer that it
  /// made if that is kept, are to be gone, their bytes too, and the lines of a batch a little
  /// later. Not the owner's alone to write; nothing happens to what has not ended: that is
  /// [Outcome.Fenced]. What is gone already is as good as erased.
  record Erased(String run) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// An endpoint is to be as it is here. Not the owner's alone to write, as all that follow.
  record Registered(Endpoint endpoint) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// An endpoint and its notices are to be gone.
  record Unregistered(String endpoint) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// Nothing is sent to this endpoint until it is registered anew; what waits for it is given up.
  ///
  /// @param reason why, as the notices then say
  record Disabled(String endpoint, String reason) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// A notice is to be sent when it is due, whether or not there was one of this event before.
  /// [Outcome.Fenced] if its endpoint is gone.
  record Scheduled(Notice notice) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// A notice was sent, and stands like this now. [Outcome.Fenced] if it was scheduled anew or
  /// taken by somebody else since it was claimed. If this is lost, it is sent once more.
  ///
  /// @param claimed until when it was claimed
  record Tried(Notice notice, long claimed) implements Change {
    @Override
    public boolean isPromise() {
      return false;
    }
  }

  /// An answer is kept to be given again: see [AnswerStore#keep].
  record Kept(StoredAnswer answer) implements Change {
    @Override
    public boolean isPromise() {
      return false;
    }

    @Override
    public boolean isRefusable() {
      return true;
    }
  }

  /// Answers are not to be given any more: see [AnswerStore#purge]. Not any owner's alone to write.
  record Purged(String what) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }

    @Override
    public boolean isRefusable() {
      return true;
    }
  }

  /// More lines of a batch that is being read, in their order; the first ones begin it. They are
  /// kept, and nobody takes them before the batch is [Submitted]. [Outcome.Repeated] if an id was
  /// given before; [Outcome.Fenced] if another epoch of a node reads this batch, or it was dropped.
  ///
  /// @param batch the id of the run that the batch will be
  /// @param lines 1 or more, all of one tenant and for one upstream
  record Lines(String batch, List<Line> lines) implements Change {
    @Override
    public boolean isPromise() {
      return false;
    }
  }

  /// One of them. Of those that have the same run the first makes it.
  ///
  /// @param number where it stands in what was sent, from 1
  /// @param id its name within the batch
  /// @param run with its log, which nobody else reads
  record Line(int number, String id, StoredRun run) {}

  /// A batch was read to its end: from now on its lines are there to be taken, and its run ends
  /// with the last of them.
  ///
  /// @param run the batch's, with its own log
  /// @param told who is told of its end in any case
  /// @param label in which channel it is told of, or null
  /// @param lines how many it has, 1 or more; [Outcome.Fenced] if others are stored
  record Submitted(StoredRun run, Told told, @Nullable Label label, int lines) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }

  /// A batch that was not read to its end is to be gone, with its lines. Not the owner's alone to
  /// write; nothing happens to one that was [Submitted]: that is [Outcome.Fenced].
  record Dropped(String batch) implements Change {
    @Override
    public boolean isPromise() {
      return true;
    }
  }
}
