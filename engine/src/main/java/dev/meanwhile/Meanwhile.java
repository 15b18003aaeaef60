package dev.meanwhile;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.dispatch.Coalesce;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.upstream.Upstream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// The engine: accepts AI calls as runs and keeps their logs. Thread-safe.
///
/// ```java
/// var meanwhile = new Meanwhile(Meanwhile.Settings.DEFAULT, journal);
/// var dispatcher = meanwhile.on(clock, upstream); // once per loop
/// dispatcher.accept(submission, answer);          // a run, over a new log or one in flight
/// new Follow(run, 0, clock, sink).begin();        // read it
/// ```
public final class Meanwhile {
  /// What an engine is told once.
  ///
  /// @param loops how many loops will be used, 1 or more
  /// @param maxRun the most bytes of one run, 1 to 2^30
  /// @param maxOpen the most runs that have not ended
  /// @param keep how long a run is kept after its end
  /// @param keepBytes about how many bytes of ended runs are kept, over all loops
  /// @param retryWindow how long after its end an SDK's retry may attach to a run
  public record Settings(
      int loops, int maxRun, int maxOpen, Duration keep, long keepBytes, Duration retryWindow) {
    public static final Settings DEFAULT =
        new Settings(
            1,
            16 << 20,
            10_000,
            Duration.ofMinutes(15),
            Runtime.getRuntime().maxMemory() / 4,
            Duration.ofMinutes(1));
  }

  private final Settings settings;
  private final Dispatcher.Shared shared;
  private final List<Dispatcher> dispatchers = new CopyOnWriteArrayList<>();

  public Meanwhile(Settings settings, Journal journal) {
    this.settings = settings;
    this.shared =
        new Dispatcher.Shared(
            new ConcurrentHashMap<>(),
            new AtomicInteger(),
            new Coalesce(settings.retryWindow()),
            journal);
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
                settings.keepBytes() / settings.loops()));
    dispatchers.add(dispatcher);
    return dispatcher;
  }

  /// The run with this id if it is kept and `tenant`'s; another tenant's run does not exist.
  public @Nullable Run run(String id, String tenant) {
    Run run = shared.runs().get(id);
    return run != null && run.about().tenant().equals(tenant) ? run : null;
  }

  /// How many runs have not ended.
  public int open() {
    return shared.open().get();
  }

  /// How many runs are kept, the open ones included.
  public int kept() {
    return shared.runs().size();
  }

  /// From now on nothing is accepted, and what nobody watches is stopped. The rest goes on.
  public void stopAccepting() {
    dispatchers.forEach(Dispatcher::stopAccepting);
  }

  /// Ends all that is still open, because of `why`.
  public void stopAll(Failure why) {
    dispatchers.forEach(dispatcher -> dispatcher.stopAll(why));
  }
}
