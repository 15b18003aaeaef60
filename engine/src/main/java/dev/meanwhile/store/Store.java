package dev.meanwhile.store;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Where logs outlive the process. Asynchronous and thread-safe: nothing here blocks the caller
/// except [#open] and [#close]; every answer comes on a thread of the store's, which must be left
/// soon, so whoever is answered posts to its own loop.
///
/// Changes are committed in the order in which they were given, in groups. A *promise* (see
/// [Change#isPromise()]) is answered once it would survive a loss of power; other changes once they
/// would survive the loss of this process.
///
/// **Fence.** Every log has one owner, a node and its epoch, and a number of its current attempt. A
/// change that names a log is applied only while this node owns it and the attempt is the current
/// one and the log has not ended; else nothing is written and the answer is [Outcome.Fenced].
///
/// **Trouble.** While the database cannot be written (disk full, a failed fsync, no connection), a
/// change that is [Change#isRefusable()] and was never given to the database is refused; one whose
/// commit failed in an unknown way is tried again like all other changes until it is stored or the
/// store is closed: nobody is told "not stored" of what may later run.
public interface Store extends AnswerStore, AutoCloseable {
  /// Opens the store under the name it was made with: raises the node's epoch, so that a
  /// predecessor of the same name is fenced, and begins to renew its lease, if there are other
  /// nodes. Blocks until the schema is there.
  ///
  /// @throws StoreException if it cannot be opened, with what to do
  void open(Listener listener);

  /// Whether durable work can be accepted now, or why not: `null`, or what is wrong and what to do.
  @Nullable String trouble();

  /// Whether other nodes may use what is kept here, at the same time.
  default boolean shared() {
    return false;
  }

  @Override
  default boolean sharesAnswers() {
    return shared();
  }

  @Override
  default boolean hears() {
    return true;
  }

  /// Writes one change.
  void write(Change change, Consumer<Outcome> done);

  @Override
  default void keep(StoredAnswer answer, Consumer<Outcome> done) {
    write(new Change.Kept(answer), done);
  }

  @Override
  default void purge(String what, Consumer<Outcome> done) {
    write(new Change.Purged(what), done);
  }

  /// The run is erased, too, as by [Change.Erased].
  @Override
  default void erase(String run, Consumer<Outcome> done) {
    write(new Change.Erased(run), done);
  }

  /// Takes over unfinished logs that nobody owns: those of this node's earlier epochs, those that
  /// were released, and those of nodes whose lease has run out. Higher priority first, then the
  /// oldest. A log whose attempt was under way counts one more as lost; one that was released or
  /// waited for its next attempt does not. All are queued from then on. The claim is committed
  /// before it is answered.
  ///
  /// @param most how many at most, 1 or more
  /// @param reply gets each log with those of its runs that were not cut; fewer than `most` means
  ///   that there are no more now
  void claim(int most, Reply<List<Claimed>> reply);

  /// Takes lines of batches over, as [#claim] does what was left behind, and in turns between
  /// tenants; of a batch in the order of its lines. Lines of a batch that is to be stopped end
  /// instead, some at a time. Committed before it is answered. If this node has lost its lease
  /// since it asked, nothing is taken.
  ///
  /// @param rooms how many at most, 1 or more, for each upstream that has room for any; fewer are
  ///   taken if they are large
  /// @param now in milliseconds since 1970
  void take(Map<String, Integer> rooms, long now, Reply<Taken> reply);

  /// A batch, by the id of its run; null if it is not there, or not read to its end.
  void batch(String run, Reply<@Nullable StoredBatch> reply);

  /// Lines of a batch, in their order.
  ///
  /// @param batch the id of its run
  /// @param after only lines with a higher number
  /// @param most how many at most, 1 or more; there are fewer if they are large, at least one
  /// @param failed whether only lines without an answer
  void lines(String batch, int after, int most, boolean failed, Reply<List<StoredLine>> reply);

  /// The bytes of a log from its piece number `fromPiece` (0 for all) on; a log that is not there
  /// has none.
  void pieces(String log, int fromPiece, Reply<List<Piece>> reply);

  /// A run with its log, whoever owns it, by its id or by the name that the upstream gave its log;
  /// null if it is not there.
  void find(String run, Reply<@Nullable StoredRun> reply);

  /// The run that holds an idempotency key; null if none does.
  void findKey(byte[] key, Reply<IdempotencyEntry.@Nullable Held> reply);

  /// Runs in the order of their ids (which sort by time), newest first. Their logs come without
  /// what was sent: `request` is empty.
  void list(Query query, Reply<List<StoredRun>> reply);

  /// How many mails are sent at a time by one node.
  int MAILS = 8;

  /// The time in which a recipient gets a number of mails, in milliseconds.
  long MAIL_HOUR = 3_600_000;

  /// The endpoints of a tenant, the newest first.
  void endpoints(String tenant, Reply<List<Endpoint>> reply);

  /// The notices of an endpoint, the newest event first.
  ///
  /// @param before only events whose id sorts before this one: the cursor; null for all
  void notices(String endpoint, @Nullable String before, int most, Reply<List<Notice>> reply);

  /// Takes notices that are due, those that are due longest first: nobody else gets them before
  /// `until`, when they are due again unless [Change.Tried] has said what became of them. Committed
  /// before it is answered.
  ///
  /// Mails are few at a time, and one at a time for one recipient. None is taken while `mostMails`
  /// others to its recipient, from all nodes, were begun less than an hour ago: then it stays due.
  ///
  /// @param busy endpoints, and recipients of mails, that get nothing more now
  /// @param now in milliseconds since 1970
  /// @param most how many at most for one endpoint, 1 or more
  /// @param mostMails how many mails somebody gets within an hour, 0 or more
  void due(
      Collection<String> busy,
      long now,
      long until,
      int most,
      int mostMails,
      Reply<List<Due>> reply);

  /// What a channel holds after a mark, in order.
  ///
  /// @param most how many at most, 1 or more
  void entries(Channel channel, Entries.Mark after, int most, Reply<Entries> reply);

  /// A value that is kept with the data, made by `initial` the first time; the same on all nodes.
  /// Blocks.
  byte[] constant(String name, Supplier<byte[]> initial);

  /// Writes what was given, releases nothing, and closes. Blocks. Idempotent.
  @Override
  void close();

  /// Hears of what happens to this node's work from outside.
  interface Listener extends PurgeListener {
    /// Another node, or an earlier process, wants this run of ours stopped; may come twice.
    void cancelRequested(String run);

    /// This node could not renew its lease in time, or was fenced: it must stop all durable work at
    /// once; whatever it still writes is fenced. The store takes a new epoch when it can and then
    /// calls [#claimable]; but if another process has started under this node's name it does not,
    /// and [Store#trouble] says so.
    void leaseLost();

    /// There may be logs to claim: a node's lease ran out, or a log was released.
    void claimable();

    /// There may be lines of batches to take.
    void lines();

    /// There may be notices that are due.
    void due();

    /// There may be more in these channels: within a second of the change on any node.
    void changed(Collection<Channel> channels);
  }

  /// What a question is answered with, once.
  interface Reply<T extends @Nullable Object> {
    void is(T answer);

    /// The database did not answer.
    ///
    /// @param trouble what is wrong and what to do
    void failed(String trouble);
  }

  /// A log that this node owns from now on, with its runs.
  record Claimed(StoredLog log, List<StoredRun> runs) {}

  /// Lines that this node owns from now on.
  ///
  /// @param more the upstreams for which there are more
  /// @param ended how many lines, of batches that are to be stopped, have ended instead; there may
  ///   be more of them
  record Taken(List<Claimed> lines, Set<String> more, int ended) {}

  /// A notice to send, and where to.
  ///
  /// @param endpoint null for a mail, of which the notice says all
  record Due(Notice notice, @Nullable Endpoint endpoint) {}

  /// What [#list] looks for; null is any.
  ///
  /// @param tenant whose; null for all tenants
  /// @param status one of OpenAI's six words
  /// @param since only runs created then or later, in milliseconds since 1970
  /// @param before only runs whose id sorts before this one: the cursor
  /// @param most how many at most, 1 to 1000
  record Query(
      @Nullable String tenant,
      @Nullable String status,
      @Nullable Long since,
      @Nullable String before,
      int most) {}

  /// How long what has ended is kept.
  ///
  /// @param age how long a run is kept after its end
  /// @param lasting how long one is that lasts longer than others
  /// @param maxBytes about how many bytes the data may have; the oldest ended goes first
  record Retention(Duration age, Duration lasting, long maxBytes) {
    /// Where nothing lasts longer.
    public Retention(Duration age, long maxBytes) {
      this(age, age, maxBytes);
    }
  }
}
