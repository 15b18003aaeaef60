package dev.meanwhile.testkit;

import dev.meanwhile.store.AnswerStore;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredAnswer;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredLine;
import dev.meanwhile.store.StoredRun;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A store whose answers are waited for, and what its listener heard.
public final class StoreClient implements Store.Listener {
  private static final long PATIENCE_SECONDS = 60;

  private final Store store;
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  private volatile long lastPurge;

  public StoreClient(Store store) {
    this.store = store;
  }

  public Store store() {
    return store;
  }

  /// Opens it.
  public StoreClient open() {
    store.open(this);
    return this;
  }

  public Outcome write(Change change) {
    return later(change).now();
  }

  /// Writes without waiting.
  public Answer<Outcome> later(Change change) {
    var answer = new Answer<Outcome>();
    store.write(change, answer::is);
    return answer;
  }

  public List<Store.Claimed> claim(int most) {
    return ask(reply -> store.claim(most, reply));
  }

  public @Nullable StoredRun find(String run) {
    return StoreClient.<Optional<StoredRun>>ask(reply ->
            store.find(
                run,
                new Store.Reply<@Nullable StoredRun>() {
                  @Override
                  public void is(@Nullable StoredRun answer) {
                    reply.is(Optional.ofNullable(answer));
                  }

                  @Override
                  public void failed(String trouble) {
                    reply.failed(trouble);
                  }
                }))
        .orElse(null);
  }

  public IdempotencyEntry.@Nullable Held findKey(byte[] key) {
    return StoreClient.<Optional<IdempotencyEntry.Held>>ask(reply ->
            store.findKey(
                key,
                new Store.Reply<IdempotencyEntry.@Nullable Held>() {
                  @Override
                  public void is(IdempotencyEntry.@Nullable Held answer) {
                    reply.is(Optional.ofNullable(answer));
                  }

                  @Override
                  public void failed(String trouble) {
                    reply.failed(trouble);
                  }
                }))
        .orElse(null);
  }

  public List<Piece> pieces(String log, int from) {
    return ask(reply -> store.pieces(log, from, reply));
  }

  public List<StoredRun> list(Store.Query query) {
    return ask(reply -> store.list(query, reply));
  }

  public List<Endpoint> endpoints(String tenant) {
    return ask(reply -> store.endpoints(tenant, reply));
  }

  public List<Notice> notices(String endpoint, @Nullable String before, int most) {
    return ask(reply -> store.notices(endpoint, before, most, reply));
  }

  public Store.Taken take(Map<String, Integer> rooms, long now) {
    return ask(reply -> store.take(rooms, now, reply));
  }

  /// A batch, which is there.
  public StoredBatch batch(String run) {
    return Objects.requireNonNull(findBatch(run).orElse(null), run);
  }

  public Optional<StoredBatch> findBatch(String run) {
    return ask(reply ->
        store.batch(
            run,
            new Store.Reply<@Nullable StoredBatch>() {
              @Override
              public void is(@Nullable StoredBatch answer) {
                reply.is(Optional.ofNullable(answer));
              }

              @Override
              public void failed(String trouble) {
                reply.failed(trouble);
              }
            }));
  }

  public List<StoredLine> lines(String batch, int after, int most, boolean failed) {
    return ask(reply -> store.lines(batch, after, most, failed, reply));
  }

  /// With 3 mails an hour for each recipient.
  public List<Store.Due> due(Collection<String> busy, long now, long until, int most) {
    return ask(reply -> store.due(busy, now, until, most, 3, reply));
  }

  public Entries entries(Channel channel, Entries.Mark after, int most) {
    return ask(reply -> store.entries(channel, after, most, reply));
  }

  public @Nullable StoredAnswer answer(byte[] key, long now) {
    return answer(store, key, now);
  }

  /// Waits for what an adapter answers.
  public static @Nullable StoredAnswer answer(AnswerStore of, byte[] key, long now) {
    return StoreClient.<Optional<StoredAnswer>>ask(reply ->
            of.answer(
                key,
                now,
                new Store.Reply<@Nullable StoredAnswer>() {
                  @Override
                  public void is(@Nullable StoredAnswer answer) {
                    reply.is(Optional.ofNullable(answer));
                  }

                  @Override
                  public void failed(String trouble) {
                    reply.failed(trouble);
                  }
                }))
        .orElse(null);
  }

  public boolean lease(byte[] key, Duration time) {
    return lease(store, key, time);
  }

  /// The same of [AnswerStore#lease].
  public static boolean lease(AnswerStore of, byte[] key, Duration time) {
    return ask(reply -> of.lease(key, time, reply));
  }

  private static <T> T ask(Consumer<Answer<T>> question) {
    var answer = new Answer<T>();
    question.accept(answer);
    return answer.now();
  }

  @Override
  public void cancelRequested(String run) {
    heard.add("cancel " + run);
  }

  @Override
  public void leaseLost() {
    heard.add("lease lost");
  }

  @Override
  public void due() {
    heard.add("due");
  }

  @Override
  public void changed(Collection<Channel> channels) {
    channels.forEach(channel -> heard.add("changed " + channel.name()));
  }

  @Override
  public void lines() {
    heard.add("lines");
  }

  @Override
  public void claimable() {
    heard.add("claimable");
  }

  @Override
  public void purged(List<Purge> purges, long last) {
    lastPurge = Math.max(lastPurge, last);
    purges.forEach(purge -> heard.add("purged " + purge.what()));
  }

  /// The highest number of a purge that it was told.
  public long lastPurge() {
    return lastPurge;
  }

  /// Waits until the listener hears this; what else it hears is dropped.
  public void awaitHeard(String what) {
    try {
      for (String next = ""; !what.equals(next); ) {
        next = heard.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (next == null) {
          throw new AssertionError("the listener was not told: " + what);
        }
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /// What the listener has heard and nobody has taken.
  public List<String> heard() {
    return List.copyOf(heard);
  }

  /// What a store says, once.
  public static final class Answer<T> implements Store.Reply<T> {
    private final CompletableFuture<T> said = new CompletableFuture<>();

    @Override
    public void is(T answer) {
      if (!said.complete(answer)) {
        said.obtrudeException(new AssertionError("answered twice, with " + answer + " at last"));
      }
    }

    @Override
    public void failed(String trouble) {
      said.completeExceptionally(new AssertionError("the store failed: " + trouble));
    }

    /// Whether it was given.
    public boolean isThere() {
      return said.isDone();
    }

    /// Waits for it.
    public T now() {
      try {
        return said.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException | ExecutionException | TimeoutException e) {
        throw new AssertionError("the store does not answer", e);
      }
    }
  }
}
