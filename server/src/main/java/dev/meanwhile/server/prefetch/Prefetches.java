package dev.meanwhile.server.prefetch;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.dispatch.Dispatcher.Prefetched;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Status;
import dev.meanwhile.openai.ChatFold;
import dev.meanwhile.openai.ChatTemplate;
import dev.meanwhile.openai.ChatTemplate.Filled;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.prefetch.Ahead;
import dev.meanwhile.prefetch.Explanation;
import dev.meanwhile.prefetch.Fetch;
import dev.meanwhile.prefetch.Question;
import dev.meanwhile.prefetch.Questions;
import dev.meanwhile.prefetch.Settings;
import dev.meanwhile.prefetch.Sweep;
import dev.meanwhile.server.config.CachePolicy;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.Cron;
import dev.meanwhile.server.config.CurrentConfig;
import dev.meanwhile.server.config.Key;
import dev.meanwhile.server.config.Operation;
import dev.meanwhile.server.config.Over;
import dev.meanwhile.server.config.PrefetchPolicy;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The prefetch of all operations. It lives on the loop that first offers itself; what it is told
/// elsewhere is posted there. Thread-safe.
public final class Prefetches {
  private static final Logger LOG = System.getLogger(Prefetches.class.getName());

  /// Whose answers are made where there are no keys.
  private static final String NOBODY = "anonymous";

  /// So many keys are remembered beside what is declared.
  private static final int KEYS = 20_000;

  /// How many questions of an operation are under way or in line; the line lets no more begin than
  /// there is room for.
  private static final int AT_ONCE = 32;

  private final CurrentConfig current;
  private final Sources sources;
  private final Map<String, Its> all = new HashMap<>();
  private volatile @Nullable Clock clock;
  private @Nullable AheadCalls calls;

  /// What one operation has.
  private record Its(Reason reason, Ahead ahead) {}

  /// By what it was begun: while this stays the same, it knows what it has learned.
  private record Reason(
      PrefetchPolicy policy, CachePolicy cache, List<String> variables, List<String> tenants) {}

  /// @param sources reads what is declared elsewhere
  public Prefetches(CurrentConfig current, Sources sources) {
    this.current = current;
    this.sources = sources;
  }

  /// Begins on this loop, unless it has begun.
  public synchronized void begin(Clock loop, AheadCalls by) {
    if (clock == null) {
      clock = loop;
      calls = by;
      current.whenChanged(_ -> loop.execute(this::plan));
      loop.execute(this::plan);
    }
  }

  /// Ends all of it; nothing is asked from now on.
  public synchronized void stop() {
    Clock loop = clock;
    if (loop != null) {
      loop.execute(() -> {
        all.values().forEach(its -> its.ahead.stop());
        all.clear();
      });
    }
  }

  /// Goes by the configuration as it is now.
  private void plan() {
    Config config = current.get();
    var wanted = new HashMap<String, Reason>();
    config
        .operations()
        .forEach((name, operation) -> {
          Reason reason = reason(config, operation);
          if (reason != null) {
            wanted.put(name, reason);
          }
        });
    all.entrySet()
        .removeIf(each -> {
          boolean over = !each.getValue().reason.equals(wanted.get(each.getKey()));
          if (over) {
            each.getValue().ahead.stop();
          }
          return over;
        });
    wanted.forEach((name, reason) -> {
      Its its = all.computeIfAbsent(name, _ -> new Its(reason, ahead(name, reason)));
      // Also where it was there already: its prompt may be another.
      its.ahead.begin();
    });
  }

  private static @Nullable Reason reason(Config config, Operation operation) {
    PrefetchPolicy policy = operation.prefetch();
    CachePolicy cache = operation.cache();
    ChatTemplate template = operation.template();
    if (policy == null || cache == null || template == null) {
      return null;
    }
    List<String> tenants =
        policy.tenants() != null
            ? policy.tenants()
            : config.keys().isEmpty()
                ? List.of(NOBODY)
                : config.keys().stream().map(Key::tenant).distinct().toList();
    return new Reason(policy, cache, List.copyOf(template.variables().keySet()), tenants);
  }

  private Ahead ahead(String name, Reason reason) {
    Clock loop = Objects.requireNonNull(clock);
    PrefetchPolicy policy = reason.policy;
    Long tokens = policy.tokensPerHour();
    // Answers last nine tenths of that at least.
    Duration maxAge = reason.cache.freshness().maxAge().multipliedBy(9).dividedBy(10);
    var settings =
        new Settings(
            maxAge,
            Math.max(0.001, policy.minProbability()),
            tokens == null ? Long.MAX_VALUE / 2 : tokens,
            policy.wasteMax(),
            policy.over() == null ? KEYS : KEYS + Over.MOST);
    Cron at = policy.at();
    Over over = policy.over();
    return new Ahead(
        loop,
        new Ahead.Plan(
            settings,
            policy.learns(),
            over == null ? null : (read, failed) -> read(name, reason, over, loop, read, failed),
            at == null ? null : at::after,
            AT_ONCE),
        (question, need, told) -> fetch(name, question, need, told));
  }

  private void read(
      String name,
      Reason reason,
      Over over,
      Clock loop,
      Consumer<Questions> read,
      Consumer<String> failed) {
    Consumer<String> trouble =
        why -> {
          LOG.log(
              Level.WARNING,
              "What the operation {0} declares cannot be read, and is tried again in a minute: {1}",
              name,
              why);
          failed.accept(why);
        };
    sources.read(
        over,
        loop,
        parts -> {
          Operation operation = current.get().operations().get(name);
          ChatTemplate template = operation == null ? null : operation.template();
          if (template == null) {
            // It is gone since.
            return;
          }
          Questions all;
          try {
            all = new Product(template, counted(reason), parts, reason.tenants);
          } catch (IllegalArgumentException e) {
            trouble.accept(String.valueOf(e.getMessage()));
            return;
          }
          read.accept(all);
        },
        trouble);
  }

  private static List<String> counted(Reason reason) {
    List<String> key = reason.cache.key();
    return key == null ? reason.variables : key;
  }

  private void fetch(String name, Question question, Fetch.Need need, Fetch.Told told) {
    Operation operation = current.get().operations().get(name);
    ChatTemplate template = operation == null ? null : operation.template();
    Filled filled = template == null ? null : template.fill(question.input().getBytes(UTF_8));
    if (operation == null || filled == null || filled.problem() != null) {
      told.failed();
      return;
    }
    Objects.requireNonNull(calls)
        .ask(
            operation,
            filled,
            question.key().getFirst(),
            need,
            new Prefetched() {
              @Override
              public void unmade() {
                told.unneeded();
              }

              @Override
              public void ended(RunLog log, long took) {
                if (log.status() == Status.COMPLETED) {
                  told.made(tokens(log), took / 1e9);
                } else {
                  told.failed();
                }
              }
            });
  }

  /// What an answer cost, or 0 if it does not say.
  private static long tokens(LogReader log) {
    byte[] answer = ChatFold.of(log, log.start(), log.end());
    String usage = JsonText.member(answer, "usage");
    String total = usage == null ? null : JsonText.member(usage.getBytes(UTF_8), "total_tokens");
    return total != null && total.matches("\\d{1,12}") ? Long.parseLong(total) : 0;
  }

  /// Somebody asked this of an operation.
  ///
  /// @param hit whether a fresh answer was there
  /// @param run what was made because there was none, or null
  public void asked(
      Operation operation, String tenant, Filled filled, boolean hit, @Nullable Run run) {
    Clock loop = clock;
    CachePolicy cache = operation.cache();
    if (operation.prefetch() == null || cache == null || loop == null) {
      return;
    }
    List<String> key = cache.key();
    Question question =
        Product.question(tenant, filled, key == null ? List.copyOf(filled.variables()) : key);
    loop.execute(() -> {
      Its its = all.get(operation.name());
      if (its != null) {
        its.ahead.asked(question, hit);
      }
    });
    if (run != null) {
      follow(run, () -> loop.execute(() -> stored(operation.name(), question, run)));
    }
  }

  private void stored(String name, Question question, Run run) {
    Its its = all.get(name);
    if (its != null && run.log().status() == Status.COMPLETED) {
      double seconds = Math.max(0, run.log().closedAt() - run.createdAt()) / 1e3;
      its.ahead.stored(question.key(), tokens(run.log()), seconds);
    }
  }

  /// Follows a log without being among those who want it.
  private static void follow(Run run, Runnable ended) {
    run.log()
        .follow(
            new LogReader.Follower() {
              private boolean told;

              @Override
              public void wake() {
                if (!told && run.log().terminal() != null) {
                  told = true;
                  run.log().unfollow(this);
                  ended.run();
                }
              }
            });
  }

  /// What an operation's prefetch did.
  ///
  /// @param sweep how far it is with what is declared, or null
  /// @param next when it looks at that next, in milliseconds since 1970; or 0
  public record Told(Explanation explanation, @Nullable Sweep sweep, long next) {}

  /// Tells what an operation's prefetch did, on the loop it lives on; null if it has none.
  public void explain(String operation, Consumer<@Nullable Told> then) {
    Clock loop = clock;
    if (loop == null) {
      then.accept(null);
      return;
    }
    loop.execute(() -> {
      Its its = all.get(operation);
      then.accept(
          its == null ? null : new Told(its.ahead.explain(), its.ahead.sweep(), its.ahead.next()));
    });
  }
}
