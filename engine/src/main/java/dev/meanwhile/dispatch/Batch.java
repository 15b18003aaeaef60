package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Run;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A batch while it is read: its lines go to the store, some at a time, and none of them is begun
/// before all are there. Lines that ask the same are one run. Only on its loop.
public final class Batch {
  private static final int MOST_LINES = 256;
  private static final long MOST_BYTES = 1 << 20;
  private static final byte[] NOTHING = {};

  private final Store store;
  private final Clock clock;
  private final String id;
  private final long createdAt;
  private final MessageDigest digest = sha256();
  private List<Change.Line> lines = new ArrayList<>();
  private long bytes;
  private int count;

  /// @param id the id of the run that it will be
  Batch(Store store, Clock clock, String id, long createdAt) {
    this.store = store;
    this.clock = clock;
    this.id = id;
    this.createdAt = createdAt;
  }

  /// The id of the run that it will be.
  public String id() {
    return id;
  }

  /// Adds a line, which is in memory until [#write].
  ///
  /// @param number where it stands in what was sent, from 1; higher than those before
  /// @param name its name within the batch
  /// @param promise what its run is promised: its priority and deadline count, and are the same for
  ///   all lines
  /// @return about how many bytes the store will keep of it
  public long add(int number, String name, Submission submission, Submission.Promise promise) {
    var request = submission.request();
    var work =
        new Work(
            request,
            submission.usage(),
            submission.clocks(),
            promise.deadline(),
            submission.expiry(createdAt),
            false);
    byte[] encoded = work.encoded();
    digest.update(id.getBytes(StandardCharsets.US_ASCII));
    String run = RunIds.beside(id, digest.digest(encoded));
    var log =
        new StoredLog(
            Promises.logOf(run),
            submission.about().tenant(),
            request.upstream(),
            promise.priority(),
            createdAt,
            createdAt,
            0,
            0,
            "queued",
            0,
            0,
            encoded,
            null,
            null);
    byte[] about = Encoding.of(submission.about());
    lines.add(new Change.Line(number, name, run(run, log, submission.about().tenant(), about)));
    count++;
    bytes += encoded.length;
    return encoded.length;
  }

  private StoredRun run(String run, StoredLog log, String tenant, byte[] about) {
    return new StoredRun(run, log, tenant, about, createdAt, 0, 0, false);
  }

  /// Whether so much has gathered that it should be written.
  public boolean isFull() {
    return lines.size() >= MOST_LINES || bytes >= MOST_BYTES;
  }

  /// How many lines were added.
  public int count() {
    return count;
  }

  /// Writes the lines that have gathered; `done` is told on this loop, [Outcome.Repeated] of an id
  /// that was given before.
  public void write(Consumer<Outcome> done) {
    if (lines.isEmpty()) {
      clock.execute(() -> done.accept(new Outcome.Stored()));
      return;
    }
    var change = new Change.Lines(id, lines);
    lines = new ArrayList<>();
    bytes = 0;
    write(change, done);
  }

  /// All is written: promises the batch; `done` is told on this loop.
  ///
  /// @param about what it is of
  /// @param told who is told of its end in any case
  /// @param label in which channel it is told of, or null
  public void submit(Run.About about, Told told, @Nullable Label label, Consumer<Outcome> done) {
    // It begins now: how long it was sent says nothing of how long it takes.
    long now = clock.millis();
    var log =
        new StoredLog(
            Promises.logOf(id),
            about.tenant(),
            about.upstream(),
            0,
            now,
            now,
            1,
            0,
            "in_progress",
            0,
            0,
            NOTHING,
            null,
            null);
    var run = new StoredRun(id, log, about.tenant(), Encoding.of(about), now, 0, 0, false);
    write(new Change.Submitted(run, told, label, count), done);
  }

  /// It will not be read to its end: nothing of it is kept.
  public void drop() {
    lines = new ArrayList<>();
    store.write(new Change.Dropped(id), _ -> {});
  }

  private void write(Change change, Consumer<Outcome> done) {
    store.write(change, outcome -> clock.execute(() -> done.accept(outcome)));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
