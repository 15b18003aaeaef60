package dev.meanwhile.notify;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Store;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/// Sends the notices that are due, webhooks and mails, each until it arrives or its [Schedule] is
/// over.
///
/// The store is the queue: a notice is claimed for a little longer than sending it can take, so
/// whatever happens to this process it is due again. An endpoint gets its next notices when it has
/// dealt with the ones before; a slow one delays nobody else. A mail that its recipient may not
/// have yet stays due: the store's timetable asks for it again.
public final class Notify {
  /// How many notices an endpoint gets at a time.
  private static final int MOST = 32;

  private static final Duration CLAIM = Sender.LIMIT.multipliedBy(4);

  private final Clock clock;
  private final Store store;
  private final Sender sender;
  private final int mails;
  private final DoubleSupplier dice;
  private final Map<String, Integer> underWay = new HashMap<>();
  private boolean asking;
  private boolean again;
  private volatile boolean stopped;

  /// When what failed here is due again, in seconds since 1970.
  private final TreeSet<Long> wakes = new TreeSet<>();

  private Clock.@Nullable Timer timer;

  /// @param mails how many mails somebody gets within an hour, 0 or more
  /// @param dice gives random numbers, 0 to below 1
  public Notify(Clock clock, Store store, Sender sender, int mails, DoubleSupplier dice) {
    this.clock = clock;
    this.store = store;
    this.sender = sender;
    this.mails = mails;
    this.dice = dice;
  }

  /// There may be notices that are due. On any thread.
  public void due() {
    if (!stopped) {
      clock.execute(this::ask);
    }
  }

  /// Sends nothing more; what is under way is left to itself. On any thread.
  public void stop() {
    stopped = true;
    clock.execute(() -> {
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
    });
  }

  private void ask() {
    if (asking || stopped) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    long now = clock.millis();
    store.due(
        List.copyOf(underWay.keySet()),
        now,
        now + CLAIM.toMillis(),
        MOST,
        mails,
        new Store.Reply<>() {
          @Override
          public void is(List<Store.Due> due) {
            clock.execute(() -> answered(due));
          }

          @Override
          public void failed(String trouble) {
            // The store says again that something is due.
            clock.execute(() -> answered(List.of()));
          }
        });
  }

  private void answered(List<Store.Due> due) {
    asking = false;
    due.forEach(each -> underWay.merge(each.notice().endpoint(), 1, Integer::sum));
    for (Store.Due each : due) {
      sender.send(each, answer -> clock.execute(() -> sent(each, answer)));
    }
    if (again) {
      ask();
    }
  }

  private void sent(Store.Due due, Sender.Answer answer) {
    Notice notice = due.notice();
    long now = clock.millis();
    boolean arrived = answer.kind() == Sender.Kind.ARRIVED;
    Duration pause =
        answer.kind() == Sender.Kind.FAILED
            ? Schedule.pause(notice.tries() + 1, dice.getAsDouble(), answer.retryAfter())
            : null;
    long next = pause == null ? 0 : now + pause.toMillis();
    store.write(
        new Change.Tried(notice.tried(now, answer.text(), arrived, next), notice.due()), _ -> {});
    if (answer.kind() == Sender.Kind.GONE) {
      store.write(new Change.Disabled(notice.endpoint(), answer.text()), _ -> {});
    }
    if (!arrived && next == 0) {
      sender.gaveUp(due, answer);
    }
    if (next > 0) {
      wakes.add(next / 1_000 + 1);
      wakeAtFirst();
    }
    Integer left = underWay.computeIfPresent(notice.endpoint(), (_, is) -> is == 1 ? null : is - 1);
    if (left == null) {
      ask();
    }
  }

  private void wakeAtFirst() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
    if (!stopped && !wakes.isEmpty()) {
      long millis = wakes.getFirst() * 1_000 - clock.millis();
      timer = clock.after(Duration.ofMillis(Math.max(0, millis)), this::wake);
    }
  }

  private void wake() {
    timer = null;
    wakes.headSet(clock.millis() / 1_000, true).clear();
    wakeAtFirst();
    ask();
  }
}
