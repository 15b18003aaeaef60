package dev.meanwhile.prefetch;

import dev.meanwhile.budget.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// The prefetch of one operation: fetches all that it declares, at its times, or, if it learns,
/// what [Prefetch] finds likely to be read. Only on the loop of its clock.
///
/// A sweep over what is declared leaves no mark. A question is done when its answer was made since
/// the sweep's time; so to go on after a restart is to begin again, and to find most of it done.
public final class Ahead {
  /// So many questions are looked at without a break.
  private static final int SLICE = 100;

  private static final Duration BREAK = Duration.ofMillis(1);

  /// When what did not go is tried again.
  private static final Duration LATER = Duration.ofMinutes(1);

  /// No more is remembered of what was asked, in characters.
  private static final int MOST_INPUTS = 8 << 20;

  private static final int MOST_INPUT = 4 << 10;

  /// Looks back this far for the latest time, then further.
  private static final List<Duration> BACK =
      List.of(Duration.ofMinutes(1), Duration.ofHours(1), Duration.ofDays(1), Duration.ofDays(32));

  private final Clock clock;
  private final Plan plan;
  private final Fetch fetch;
  private final Prefetch core;
  private final Map<List<String>, String> inputs = new LinkedHashMap<>(16, 0.75f, true);
  private int inputLength;
  private @Nullable Going going;
  private @Nullable String trouble;
  private Clock.@Nullable Timer next;
  private long nextAt;
  private Clock.@Nullable Timer looking;
  private long lookingAt = Long.MAX_VALUE;
  private boolean stopped;

  /// What an operation wants.
  ///
  /// @param settings its limits
  /// @param learns whether only what is likely to be read is fetched
  /// @param declared what it declares, or null if nothing
  /// @param times when that is fetched; null: whenever an answer nears its end
  /// @param atOnce how many of them may be under way or in line, 1 or more
  public record Plan(
      Settings settings,
      boolean learns,
      Questions.@Nullable Source declared,
      @Nullable Times times,
      int atOnce) {}

  /// Points in time.
  public interface Times {
    /// The first one after `millis` since 1970.
    long after(long millis);
  }

  /// A sweep that goes on, or the last one.
  private final class Going {
    private final Questions questions;
    private final Fetch.Need need;
    private final long began = clock.millis();
    private long ended;
    private int index;
    private int underWay;
    private int kept;
    private int made;
    private int failed;
    private boolean pumping;
    private boolean resting;

    Going(Questions questions, Fetch.Need need) {
      this.questions = questions;
      this.need = need;
    }

    void pump() {
      if (pumping || stopped || going != this) {
        // Whoever does looks again.
        return;
      }
      pumping = true;
      for (int looked = 0;
          index < questions.size() && underWay < plan.atOnce && !stopped;
          looked++) {
        if (looked == SLICE) {
          rest(BREAK);
          break;
        }
        Question question = questions.at(index);
        if (question == null) {
          index++;
          failed++;
        } else if (core.declared(question.key(), clock.millis())) {
          index++;
          underWay++;
          fetch.fetch(question, need, told(question));
        } else {
          // As soon as the hour has room again.
          rest(LATER);
          break;
        }
      }
      pumping = false;
      if (index == questions.size() && underWay == 0 && ended == 0) {
        ended = clock.millis();
      }
    }

    private void rest(Duration time) {
      if (!resting) {
        resting = true;
        clock.after(
            time,
            () -> {
              resting = false;
              pump();
            });
      }
    }

    private Fetch.Told told(Question question) {
      return new Fetch.Told() {
        @Override
        public void unneeded() {
          kept++;
          core.unneeded(question.key(), clock.millis());
          over();
        }

        @Override
        public void made(long tokens, double seconds) {
          made++;
          core.stored(question.key(), tokens, seconds, clock.millis());
          over();
        }

        @Override
        public void failed() {
          failed++;
          core.failed(question.key(), clock.millis());
          over();
        }

        private void over() {
          underWay--;
          pump();
        }
      };
    }
  }

  public Ahead(Clock clock, Plan plan, Fetch fetch) {
    this.clock = clock;
    this.plan = plan;
    this.fetch = fetch;
    this.core = new Prefetch(plan.settings, clock.millis());
  }

  /// Begins: at once if what is declared should be there by now. Again: looks whether it is.
  public void begin() {
    if (plan.declared != null) {
      long now = clock.millis();
      Times times = plan.times;
      long since = times == null ? now : last(times, now);
      if (since > 0) {
        sweep(since);
      } else {
        await(now);
      }
    }
    look();
  }

  /// Ends it: nothing more is fetched.
  public void stop() {
    stopped = true;
    if (next != null) {
      next.cancel();
    }
    if (looking != null) {
      looking.cancel();
    }
  }

  /// The latest time whose answers could still be fresh, or 0.
  private long last(Times times, long now) {
    Duration maxAge = plan.settings.maxAge();
    for (Duration each : BACK) {
      Duration back = each.compareTo(maxAge) < 0 ? each : maxAge;
      long last = 0;
      for (long time = times.after(now - back.toMillis()); time <= now; time = times.after(time)) {
        last = time;
      }
      if (last > 0 || back.equals(maxAge)) {
        return last;
      }
    }
    return 0;
  }

  /// Waits for the next time after `millis`.
  private void await(long millis) {
    Times times = plan.times;
    // Whatever is made is fresh for nine tenths at least, and near its end in the last fifth.
    nextAt =
        times == null
            ? millis + Math.max(1_000, plan.settings.maxAge().toMillis() / 10)
            : times.after(millis);
    wake();
  }

  private void wake() {
    // Not in one go: clocks are set.
    long left = Math.clamp(nextAt - clock.millis(), 0, Duration.ofHours(1).toMillis());
    if (next != null) {
      next.cancel();
    }
    next =
        clock.after(
            Duration.ofMillis(left),
            () -> {
              if (clock.millis() < nextAt) {
                wake();
              } else {
                sweep(nextAt);
              }
            });
  }

  /// @param since when it should have begun, in milliseconds since 1970
  private void sweep(long since) {
    Questions.Source declared = plan.declared;
    if (stopped || declared == null) {
      return;
    }
    declared.read(
        questions -> {
          if (stopped) {
            return;
          }
          trouble = null;
          if (plan.learns) {
            offer(questions, 0);
          } else if (plan.times == null && going != null && going.ended == 0) {
            // What is near its end now is found by the next one.
            going.pump();
          } else {
            Duration fifth = plan.settings.maxAge().dividedBy(5);
            going =
                new Going(
                    questions,
                    plan.times == null
                        ? new Fetch.Need(0, fifth)
                        : new Fetch.Need(since, Duration.ZERO));
            going.pump();
          }
          await(clock.millis());
        },
        why -> {
          trouble = why;
          if (next != null) {
            next.cancel();
          }
          next = clock.after(LATER, () -> sweep(since));
        });
  }

  /// Fetches what is likely of all that could be asked.
  private void offer(Questions questions, int from) {
    int to = Math.min(questions.size(), from + SLICE);
    var keys = new ArrayList<List<String>>();
    for (int i = from; i < to; i++) {
      Question question = questions.at(i);
      if (question != null) {
        keys.add(question.key());
        remember(question);
      }
    }
    core.consider(keys, clock.millis()).forEach(this::fetch);
    if (to < questions.size() && !stopped) {
      clock.after(BREAK, () -> offer(questions, to));
    } else {
      look();
    }
  }

  /// Somebody asked this.
  ///
  /// @param hit whether a fresh answer was there
  public void asked(Question question, boolean hit) {
    if (plan.learns) {
      if (question.input().length() > MOST_INPUT) {
        return;
      }
      remember(question);
    }
    core.read(question.key(), hit, clock.millis());
    look();
  }

  /// An answer was made because somebody asked.
  public void stored(List<String> key, long tokens, double seconds) {
    if (!plan.learns || inputs.containsKey(key)) {
      core.stored(key, tokens, seconds, clock.millis());
      look();
    }
  }

  private void remember(Question question) {
    String before = inputs.put(question.key(), question.input());
    inputLength += question.input().length() - (before == null ? 0 : before.length());
    var eldest = inputs.entrySet().iterator();
    while (inputLength > MOST_INPUTS || inputs.size() > plan.settings.maxKeys()) {
      inputLength -= eldest.next().getValue().length();
      eldest.remove();
    }
  }

  /// Looks at what is due, now and whenever something is.
  private void look() {
    OptionalLong due = core.nextDue();
    if (stopped || due.isEmpty() || due.getAsLong() >= lookingAt) {
      return;
    }
    if (looking != null) {
      looking.cancel();
    }
    lookingAt = due.getAsLong();
    long left = Math.max(0, lookingAt - clock.millis());
    looking =
        clock.after(
            Duration.ofMillis(left),
            () -> {
              lookingAt = Long.MAX_VALUE;
              if (plan.learns) {
                core.due(clock.millis()).forEach(this::fetch);
              } else {
                core.judge(clock.millis());
              }
              look();
            });
  }

  private void fetch(Decision decision) {
    String input = inputs.get(decision.key());
    if (input == null) {
      // There was more to remember.
      core.unneeded(decision.key(), clock.millis());
      return;
    }
    var question = new Question(decision.key(), input);
    // One that lasts longer than it would take to be looked at again will do.
    var need = new Fetch.Need(0, plan.settings.maxAge().dividedBy(5));
    fetch.fetch(
        question,
        need,
        new Fetch.Told() {
          @Override
          public void unneeded() {
            core.unneeded(question.key(), clock.millis());
          }

          @Override
          public void made(long tokens, double seconds) {
            core.stored(question.key(), tokens, seconds, clock.millis());
            look();
          }

          @Override
          public void failed() {
            core.failed(question.key(), clock.millis());
          }
        });
  }

  /// What it did and why.
  public Explanation explain() {
    return core.explain(clock.millis());
  }

  /// The sweep that goes on, or the last one; null before the first, and if it learns.
  public @Nullable Sweep sweep() {
    Going its = going;
    if (its == null) {
      return trouble == null ? null : new Sweep(0, 0, 0, 0, 0, 0, trouble);
    }
    return new Sweep(
        its.began, its.ended, its.questions.size(), its.kept, its.made, its.failed, trouble);
  }

  /// When what is declared is looked at next, in milliseconds since 1970; 0 if that is not known.
  public long next() {
    return nextAt;
  }
}
