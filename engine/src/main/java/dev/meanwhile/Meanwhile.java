package dev.meanwhile;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.cache.Cache;
import dev.meanwhile.cache.Key;
import dev.meanwhile.dispatch.Coalesce;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.dispatch.Queue;
import dev.meanwhile.dispatch.Shelf;
import dev.meanwhile.dispatch.Supersede;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.notify.Notify;
import dev.meanwhile.notify.Sender;
import dev.meanwhile.store.AnswerStore;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.upstream.Upstream;
import dev.meanwhile.view.Feeds;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The engine: accepts AI calls as runs and keeps their logs. Thread-safe.
///
/// ```java
/// var meanwhile = new Meanwhile(Meanwhile.Settings.DEFAULT, store, journal);
/// meanwhile.open();                               // the store
/// var dispatcher = meanwhile.on(clock, upstream); // once per loop
/// meanwhile.recover();                            // takes over what earlier processes left
/// dispatcher.accept(submission, answer);          // a run, over a new log or one in flight
/// new Follow(run, 0, clock, sink).begin();        // read it
/// ```
public final class Meanwhile {
  /// What an engine is told once.
  ///
  /// @param loops how many loops will be used, 1 or more
  /// @param maxRun the most bytes of one run, 1 to 2^30
  /// @param maxOpen the most runs that somebody waits for and that have not ended
  /// @param keep how long a run is kept in memory after its end
  /// @param keepBytes about how many bytes of ended runs are kept in memory, over all loops
  /// @param cacheBytes about how many bytes of answers are kept to be given again, over all loops
  /// @param retryWindow how long after its end an SDK's retry may attach to a run
  /// @param deadline how long a promised run is tried whose caller has not said
  /// @param queues makes the queue of the upstream of this name
  public record Settings(
      int loops,
      int maxRun,
      int maxOpen,
      Duration keep,
      long keepBytes,
      long cacheBytes,
      Duration retryWindow,
      Duration deadline,
      Function<String, Queue> queues) {
    public static final Settings DEFAULT =
        new Settings(
            1,
            16 << 20,
            10_000,
            Duration.ofMinutes(15),
            Runtime.getRuntime().maxMemory() / 4,
            64 << 20,
            Duration.ofMinutes(1),
            Duration.ofDays(1),
            _ -> new Queue(16, 100_000));
  }

  private final Settings settings;
  private final Dispatcher.Shared shared;
  private final List<Dispatcher> dispatchers = new CopyOnWriteArrayList<>();
  private final Map<String, Queue> queues = new ConcurrentHashMap<>();
  private final Feeds.Registry feedRegistry = new Feeds.Registry();
  private final List<Feeds> feeds = new CopyOnWriteArrayList<>();
  private final @Nullable Supply supply;
  private final @Nullable Claims claims;

  /// Where answers outlive this process, or null.
  private final @Nullable AnswerStore answers;

  private volatile @Nullable Notify notify;

  /// @param store where promised runs are kept; null: nothing can be promised
  public Meanwhile(Settings settings, @Nullable Store store, Journal journal) {
    this(settings, store, journal, () -> ThreadLocalRandom.current().nextDouble());
  }

  /// The same, with dice that a test can throw again.
  ///
  /// @param dice gives random numbers, 0 to below 1
  public Meanwhile(Settings settings, @Nullable Store store, Journal journal, DoubleSupplier dice) {
    this(settings, store, store, journal, dice);
  }

  /// The same as the first, with answers elsewhere than promises: see below.
  public Meanwhile(
      Settings settings, @Nullable Store store, @Nullable AnswerStore answers, Journal journal) {
    this(settings, store, answers, journal, () -> ThreadLocalRandom.current().nextDouble());
  }

  /// The same, with answers elsewhere than promises.
  ///
  /// @param answers where they outlive this process; null: they do not. If it is not the store,
  ///   [#purged] is to be told of its purges
  @SuppressWarnings("ReferenceEquality") // the very same
  public Meanwhile(
      Settings settings,
      @Nullable Store store,
      @Nullable AnswerStore answers,
      Journal journal,
      DoubleSupplier dice) {
    this.settings = settings;
    this.answers = answers;
    var cache = new Cache(settings.cacheBytes(), () -> answers == null || answers.hears());
    this.shared =
        new Dispatcher.Shared(
            new ConcurrentHashMap<>(),
            new ConcurrentHashMap<>(),
            new AtomicInteger(),
            new Coalesce(settings.retryWindow()),
            new Supersede(),
            cache,
            answers == null ? null : new Shelf(cache, answers),
            name -> queues.computeIfAbsent(name, this::queueOf),
            store,
            journal,
            dice,
            new AtomicInteger(),
            ConcurrentHashMap.newKeySet(),
            new ConcurrentHashMap<>());
    this.supply =
        store == null ? null : new Supply(store, dispatchers, shared.queues(), shared.losses());
    this.claims =
        store == null || supply == null
            ? null
            : new Claims(
                store,
                dispatchers,
                run -> shared.cancel(run, Terminal.CANCELLED),
                shared.losses(),
                supply,
                this::due,
                feedRegistry::changed,
                answers == store ? this::purged : (_, _) -> {});
  }

  private Queue queueOf(String upstream) {
    Queue queue = settings.queues().apply(upstream);
    Supply its = supply;
    if (its != null) {
      queue.whenThin(its::thin);
    }
    return queue;
  }

  /// Begins to accept calls on one more loop.
  public Dispatcher on(Clock clock, Upstream upstream) {
    var dispatcher =
        new Dispatcher(
            clock,
            upstream,
            shared,
            new Dispatcher.Limits(
                settings.maxRun(),
                settings.maxOpen(),
                settings.keep(),
                settings.keepBytes() / settings.loops(),
                settings.deadline()));
    dispatchers.add(dispatcher);
    if (supply != null) {
      supply.joined(clock);
    }
    return dispatcher;
  }

  /// Feeds that are read on this loop, or null if there is no store; once per loop.
  public @Nullable Feeds feedsOn(Clock clock) {
    Store store = shared.store();
    if (store == null) {
      return null;
    }
    var its = new Feeds(feedRegistry, store, clock);
    feeds.add(its);
    return its;
  }

  /// Opens the store; once, before all else. Blocks.
  ///
  /// @throws dev.meanwhile.store.StoreException if it cannot be opened, with what to do
  public void open() {
    if (claims != null) {
      claims.open();
    }
  }

  /// Tells endpoints, and people by mail, of ends from now on, by `sender` and on the loop of
  /// `clock`; once, if at all.
  ///
  /// @param mails how many mails somebody gets within an hour, 0 or more
  public void notify(Clock clock, Sender sender, int mails) {
    Store store = shared.store();
    if (store != null) {
      notify = new Notify(clock, store, sender, mails, shared.dice());
    }
  }

  /// Answers that have this tag, and those to what was asked before this moment and will have it,
  /// are not given any more.
  ///
  /// @param done is told, on any thread, what became of it: once it is stored, nothing that it
  ///   forbids is given here; elsewhere not after a second
  public void purge(String tag, Consumer<Outcome> done) {
    if (answers == null) {
      cache().purge(tag);
      done.accept(new Outcome.Stored());
    } else {
      answers.purge(tag, done);
    }
  }

  /// The same of one key.
  public void purge(Key key, Consumer<Outcome> done) {
    if (answers == null) {
      cache().purge(key);
      done.accept(new Outcome.Stored());
    } else {
      answers.purge(Purge.ofKey(key.bytes()), done);
    }
  }

  /// Answers were purged where they are kept: as [AnswerStore.PurgeListener] is told.
  public void purged(List<Purge> purges, long last) {
    for (Purge purge : purges) {
      if (purge.isOfKey()) {
        cache().purged(Key.parse(purge.key()), purge.number());
      } else if (purge.what().equals(Purge.ALL)) {
        cache().purgedAll(purge.number());
      } else {
        cache().purged(purge.what(), purge.number());
      }
    }
    cache().told(last);
  }

  private Cache cache() {
    return shared.cache();
  }

  private void due() {
    Notify told = notify;
    if (told != null) {
      told.due();
    }
  }

  /// Takes over what nobody else goes on with; once, when all loops are there.
  public void recover() {
    if (claims != null) {
      claims.begin();
      due();
    }
  }

  /// The run with this id if it is in memory and `tenant`'s; another tenant's run does not exist.
  public @Nullable Run run(String id, String tenant) {
    Run run = shared.runs().get(id);
    return run != null && run.about().tenant().equals(tenant) ? run : null;
  }

  /// Looks for a run as [Dispatcher#find] does, on any thread; `found` is told on one of the loops.
  public void find(String id, String tenant, Store.Reply<@Nullable Run> found) {
    dispatchers.getFirst().findFromAnywhere(id, tenant, found);
  }

  /// Where promised runs are kept, or null.
  public @Nullable Store store() {
    return shared.store();
  }

  /// The queue of the upstream of this name.
  public Queue queue(String upstream) {
    return shared.queues().apply(upstream);
  }

  /// How many runs that somebody waits for have not ended.
  public int waitedFor() {
    return shared.open().get();
  }

  /// How many calls of background work are under way.
  public int background() {
    return queues.values().stream().mapToInt(Queue::underWay).sum();
  }

  /// How many runs are kept in memory, the open ones included.
  public int kept() {
    return shared.runs().size();
  }

  /// From now on nothing is accepted or begun, and what nobody watches is stopped. The rest goes
  /// on.
  public void stopAccepting() {
    if (claims != null) {
      claims.stop();
    }
    Notify telling = notify;
    if (telling != null) {
      telling.stop();
    }
    queues.values().forEach(Queue::stop);
    dispatchers.forEach(Dispatcher::stopAccepting);
  }

  /// Ends all that is still open, because of `why`; what is promised is left to the store's next
  /// owner.
  public void stopAll(Failure why) {
    dispatchers.forEach(dispatcher -> dispatcher.stopAll(why));
    feeds.forEach(Feeds::stop);
  }
}
