package dev.meanwhile.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.VirtualClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class QueueTest {
  private static final RateLimit FINE = new RateLimit(200, 0, -1, 0);

  private final VirtualClock clock = new VirtualClock();
  private final List<String> granted = new ArrayList<>();

  private Queue.Ticket enter(Queue queue, int priority, String tenant, String name) {
    Queue.Ticket ticket =
        queue.ticket(new Queue.Turn("up", priority, tenant, () -> granted.add(name)), clock);
    ticket.enter();
    return ticket;
  }

  private static RateLimit refused(int retryAfterSeconds) {
    return new RateLimit(429, seconds(retryAfterSeconds), -1, 0);
  }

  private static RateLimit remaining(long requests, int resetSeconds) {
    return new RateLimit(200, 0, requests, seconds(resetSeconds));
  }

  private static long seconds(int seconds) {
    return Duration.ofSeconds(seconds).toNanos();
  }

  // --- Who goes first.

  @Test
  void higher_priority_first_then_tenants_in_turns_then_the_oldest() {
    var queue = new Queue(1, 100);
    Queue.Ticket first = enter(queue, 2, "shop", "first");
    enter(queue, 2, "shop", "s1");
    enter(queue, 2, "shop", "s2");
    enter(queue, 2, "shop", "s3");
    enter(queue, 2, "bank", "b1");
    enter(queue, 2, "bank", "b2");
    enter(queue, 2, "club", "c1");
    enter(queue, 3, "bank", "low");
    enter(queue, 1, "shop", "high");
    assertThat(granted).containsExactly("first");
    first.vacate();
    assertThat(granted).endsWith("high");
    // The one at the upstream makes room for one after the other.
    var all = new ArrayDeque<Queue.Ticket>();
    var order = new ArrayList<String>();
    var narrow = new Queue(1, 100);
    for (String name : List.of("s0", "s1", "s2", "b1", "b2", "c1")) {
      Queue.Ticket ticket =
          narrow.ticket(
              new Queue.Turn("up", 2, name.substring(0, 1), () -> order.add(name)), clock);
      all.add(ticket);
      ticket.enter();
    }
    for (String next : List.of("s0", "s1", "b1", "c1", "s2", "b2")) {
      assertThat(order).endsWith(next);
      all.stream()
          .filter(it -> it.toString().contains("AT_UPSTREAM"))
          .toList()
          .forEach(Queue.Ticket::vacate);
    }
    assertThat(narrow.underWay() + narrow.length()).isZero();
  }

  @Test
  void it_is_full_when_so_many_wait_and_takes_what_was_accepted_all_the_same() {
    var queue = new Queue(1, 2);
    enter(queue, 2, "shop", "at the upstream");
    assertThat(queue.isFull()).isFalse();
    enter(queue, 2, "shop", "a");
    Queue.Ticket last = enter(queue, 2, "shop", "b");
    assertThat(queue.isFull()).isTrue();
    enter(queue, 2, "shop", "c");
    assertThat(queue.length()).isEqualTo(3);
    last.vacate();
    last.vacate();
    assertThat(queue.length()).isEqualTo(2);
  }

  @Test
  void a_place_can_be_given_up_wherever_it_is() {
    var queue = new Queue(1, 10);
    Queue.Ticket outside = queue.ticket(new Queue.Turn("up", 1, "shop", () -> {}), clock);
    outside.vacate();
    Queue.Ticket first = enter(queue, 1, "shop", "first");
    Queue.Ticket leaves = enter(queue, 1, "shop", "leaves");
    enter(queue, 1, "shop", "second");
    leaves.vacate();
    assertThat(queue.length()).isEqualTo(1);
    first.vacate();
    first.vacate();
    assertThat(granted).containsExactly("first", "second");
    assertThat(queue.underWay()).isEqualTo(1);
  }

  @Test
  void calls_that_end_within_their_beginning_are_no_deeper_than_one() {
    var queue = new Queue(1, 1_000_000);
    Queue.Ticket first = enter(queue, 1, "shop", "first");
    for (int i = 0; i < 100_000; i++) {
      var self = new Queue.Ticket[1];
      self[0] =
          queue.ticket(
              new Queue.Turn("up", 1, "shop", () -> Objects.requireNonNull(self[0]).vacate()),
              clock);
      self[0].enter();
    }
    first.vacate();
    assertThat(queue.length()).isZero();
    assertThat(queue.underWay()).isZero();
  }

  @Test
  void a_stopped_queue_begins_nothing() {
    var queue = new Queue(1, 10);
    Queue.Ticket first = enter(queue, 1, "shop", "first");
    enter(queue, 1, "shop", "second");
    queue.stop();
    first.vacate();
    enter(queue, 1, "shop", "third");
    clock.pass(Duration.ofHours(1));
    assertThat(granted).containsExactly("first");
    assertThat(queue.length()).isEqualTo(2);
  }

  @Test
  void what_nobody_asked_for_has_half_of_the_places_and_only_while_nobody_else_waits() {
    var queue = new Queue(4, 2);
    Queue.Ticket first = enter(queue, Queue.PREFETCH, "shop", "p1");
    enter(queue, Queue.PREFETCH, "shop", "p2");
    enter(queue, Queue.PREFETCH, "bank", "p3");
    enter(queue, Queue.PREFETCH, "bank", "p4");
    assertThat(granted).as("half").containsExactly("p1", "p2");
    Queue.Ticket a = enter(queue, 1, "shop", "a");
    enter(queue, 2, "shop", "b");
    enter(queue, 2, "shop", "c");
    assertThat(granted).as("the rest is for others").containsExactly("p1", "p2", "a", "b");
    assertThat(queue.length()).as("whom it takes no room from").isEqualTo(1);
    assertThat(queue.isFull()).isFalse();
    first.vacate();
    assertThat(granted).as("who go first").endsWith("c");
    a.vacate();
    assertThat(granted).endsWith("p3").hasSize(6);
    assertThat(queue.length()).isZero();
  }

  @Test
  void an_upstream_that_bears_less_bears_less_of_what_nobody_asked_for() {
    var queue = new Queue(8, 10);
    var tickets = new ArrayDeque<Queue.Ticket>();
    for (int i = 0; i < 8; i++) {
      tickets.add(enter(queue, Queue.PREFETCH, "shop", "p" + i));
    }
    assertThat(granted).hasSize(4);
    tickets.getFirst().told(refused(1));
    for (int i = 0; i < 4; i++) {
      tickets.removeFirst().vacate();
    }
    clock.pass(Duration.ofSeconds(1));
    assertThat(granted).as("one finds out").hasSize(5);
    tickets.getFirst().told(FINE);
    assertThat(granted).as("half of 4").hasSize(6);
  }

  // --- Leaving the upstream alone.

  private ArrayDeque<Queue.Ticket> enter(Queue queue, int count) {
    var tickets = new ArrayDeque<Queue.Ticket>();
    for (int i = 0; i < count; i++) {
      tickets.add(enter(queue, 1, "shop", "t" + i));
    }
    return tickets;
  }

  @Test
  void after_a_refusal_nothing_begins_for_as_long_as_it_asks_and_then_one_finds_out() {
    var queue = new Queue(4, 100);
    ArrayDeque<Queue.Ticket> tickets = enter(queue, 20);
    assertThat(granted).hasSize(4);
    tickets.getFirst().told(refused(7));
    tickets.poll().vacate();
    tickets.poll().vacate();
    tickets.poll().vacate();
    tickets.poll().vacate();
    clock.pass(Duration.ofMillis(6_999));
    assertThat(granted).hasSize(4);
    clock.pass(Duration.ofMillis(1));
    assertThat(granted).as("one").hasSize(5);
    tickets.getFirst().told(FINE);
    assertThat(granted).as("half as many at once as before").hasSize(6);
  }

  @Test
  void refusals_in_a_row_without_a_time_double_the_quiet() {
    var queue = new Queue(1, 100);
    ArrayDeque<Queue.Ticket> tickets = enter(queue, 10);
    for (int quiet : new int[] {1, 2, 4, 8, 16, 32, 64, 64}) {
      int before = granted.size();
      tickets.getFirst().told(refused(0));
      tickets.removeFirst().vacate();
      clock.pass(Duration.ofSeconds(quiet).minusMillis(1));
      assertThat(granted).hasSize(before);
      clock.pass(Duration.ofMillis(1));
      assertThat(granted).hasSize(before + 1);
    }
    tickets.getFirst().told(FINE);
    tickets.removeFirst().vacate();
    tickets.getFirst().told(refused(0));
    tickets.removeFirst().vacate();
    assertThat(queue.length()).isZero();
  }

  @Test
  void those_that_are_refused_together_are_refused_once() {
    var queue = new Queue(8, 100);
    ArrayDeque<Queue.Ticket> tickets = enter(queue, 30);
    for (int i = 0; i < 8; i++) {
      tickets.getFirst().told(refused(0));
      tickets.removeFirst().vacate();
    }
    clock.pass(Duration.ofSeconds(1));
    assertThat(granted).hasSize(9);
    tickets.removeFirst().told(FINE);
    assertThat(granted).as("4 at once").hasSize(12);
  }

  @Test
  void no_more_begin_than_the_upstream_says_it_takes() {
    var queue = new Queue(10, 100);
    ArrayDeque<Queue.Ticket> tickets = enter(queue, 30);
    assertThat(granted).hasSize(10);
    // 9 have not been heard of: they may not be in its count.
    Queue.Ticket first = tickets.removeFirst();
    first.told(remaining(11, 5));
    for (int i = 0; i < 9; i++) {
      tickets.removeFirst().vacate();
    }
    first.vacate();
    assertThat(granted).as("two more").hasSize(12);
    tickets.removeFirst().told(remaining(1, 5));
    tickets.removeFirst().told(remaining(0, 5));
    assertThat(granted).hasSize(12);
    clock.pass(Duration.ofMillis(4_999));
    assertThat(granted).hasSize(12);
    clock.pass(Duration.ofMillis(1));
    assertThat(granted).as("one finds out").hasSize(13);
    tickets.removeFirst().told(remaining(600, 60));
    assertThat(granted).as("as many as may be under way").hasSize(20);
  }

  @Test
  void an_upstream_that_says_no_more_of_its_limits_is_believed() {
    var queue = new Queue(4, 100);
    ArrayDeque<Queue.Ticket> tickets = enter(queue, 20);
    tickets.removeFirst().told(remaining(0, 1));
    for (int i = 0; i < 3; i++) {
      tickets.removeFirst().told(new RateLimit(500, 0, -1, 0));
    }
    clock.pass(Duration.ofSeconds(10));
    assertThat(granted).hasSize(4);
    var queue2 = new Queue(4, 100);
    granted.clear();
    ArrayDeque<Queue.Ticket> others = enter(queue2, 20);
    Queue.Ticket a = others.removeFirst();
    Queue.Ticket b = others.removeFirst();
    Queue.Ticket c = others.removeFirst();
    Queue.Ticket d = others.removeFirst();
    a.told(remaining(3, 1));
    b.told(remaining(0, 1));
    c.vacate();
    d.vacate();
    a.vacate();
    b.vacate();
    clock.pass(Duration.ofSeconds(1));
    assertThat(granted).hasSize(5);
    others.removeFirst().told(FINE);
    assertThat(granted).hasSize(8);
  }

  // --- Whatever happens.

  /// One random history on one loop, beside a model.
  private static final class History {
    private final SplittableRandom random;
    private final VirtualClock clock = new VirtualClock();
    private final int atOnce;
    private final Queue queue;
    private final Map<Queue.Ticket, String> line = new HashMap<>();
    private final List<Queue.Ticket> waiting = new ArrayList<>();
    private final List<Queue.Ticket> calling = new ArrayList<>();
    private long quietUntil;
    private int made;
    private int begun;
    private boolean well;

    History(SplittableRandom random) {
      this.random = random;
      this.atOnce = 1 + random.nextInt(6);
      this.queue = new Queue(atOnce, 10);
    }

    void run() {
      for (int left = random.nextInt(200); left > 0; left--) {
        switch (random.nextInt(6)) {
          case 0, 1 -> enter();
          case 2 -> leaveLine();
          case 3 -> end();
          case 4 -> tell();
          default -> clock.pass(Duration.ofMillis(random.nextInt(3_000)));
        }
        assertThat(queue.length())
            .as("of those that somebody asked for")
            .isEqualTo((int) waiting.stream().filter(it -> !isPrefetch(it)).count());
        assertThat(queue.underWay()).isEqualTo(calling.size()).isLessThanOrEqualTo(atOnce);
        assertThat(queue.isFull()).isEqualTo(queue.length() >= 10);
      }
      well = true;
      for (int left = 0; left < 1_000 && !(waiting.isEmpty() && calling.isEmpty()); left++) {
        clock.pass(Duration.ofSeconds(1));
        if (!calling.isEmpty()) {
          calling.getFirst().told(FINE);
          end();
        }
      }
      assertThat(waiting).as("all have their turn").isEmpty();
      assertThat(begun).isLessThanOrEqualTo(made);
    }

    private boolean isPrefetch(Queue.Ticket ticket) {
      return line.getOrDefault(ticket, "").startsWith("" + Queue.PREFETCH);
    }

    private void enter() {
      int priority = Seeds.pick(random, 0, 1, 2, Queue.PREFETCH);
      String tenant = Seeds.pick(random, "a", "b", "c");
      var self = new Queue.Ticket[1];
      Queue.Ticket ticket =
          queue.ticket(
              new Queue.Turn("up", priority, tenant, () -> begins(Objects.requireNonNull(self[0]))),
              clock);
      self[0] = ticket;
      line.put(ticket, priority + tenant);
      waiting.add(ticket);
      made++;
      ticket.enter();
    }

    private void begins(Queue.Ticket ticket) {
      String its = Objects.requireNonNull(line.get(ticket));
      assertThat(clock.nanos()).as("not while it is quiet").isGreaterThanOrEqualTo(quietUntil);
      assertThat(waiting.stream().map(line::get).map(it -> it.substring(0, 1)).sorted().findFirst())
          .as("the highest priority")
          .hasValue(its.substring(0, 1));
      assertThat(waiting.stream().filter(it -> its.equals(line.get(it))).findFirst())
          .as("the oldest of its tenant")
          .hasValue(ticket);
      if (isPrefetch(ticket)) {
        assertThat(waiting).as("nobody else waits").allMatch(this::isPrefetch);
        assertThat(calling.stream().filter(this::isPrefetch).count())
            .as("half of the places, or the only one")
            .isLessThan(Math.max(1, atOnce / 2));
      }
      waiting.remove(ticket);
      calling.add(ticket);
      begun++;
      if (!well && random.nextInt(10) == 0) {
        // It ends before it has begun.
        calling.remove(ticket);
        ticket.vacate();
      }
    }

    private void leaveLine() {
      if (!waiting.isEmpty()) {
        waiting.remove(random.nextInt(waiting.size())).vacate();
      }
    }

    private void end() {
      if (!calling.isEmpty()) {
        Queue.Ticket ticket = calling.remove(random.nextInt(calling.size()));
        ticket.vacate();
        if (random.nextBoolean()) {
          ticket.vacate();
        }
      }
    }

    private void tell() {
      if (calling.isEmpty()) {
        return;
      }
      Queue.Ticket ticket = calling.get(random.nextInt(calling.size()));
      int seconds = random.nextInt(5);
      switch (random.nextInt(4)) {
        case 0 -> {
          quietUntil = Math.max(quietUntil, clock.nanos() + Math.max(seconds(1), seconds(seconds)));
          ticket.told(refused(seconds));
        }
        case 1 -> ticket.told(remaining(random.nextInt(8), seconds));
        case 2 -> ticket.told(new RateLimit(500, 0, -1, 0));
        default -> ticket.told(FINE);
      }
    }
  }

  @Test
  void whatever_happens_all_have_their_turn_in_order() {
    Seeds.check(5_000, random -> new History(random).run());
  }

  /// Many loops on threads of their own.
  @Test
  void loops_on_many_threads_never_make_more_calls_than_may_be_made_at_once() throws Exception {
    int each = 1_000;
    int threads = 3;
    var queue = new Queue(5, 100);
    var calling = new AtomicInteger();
    var most = new AtomicInteger();
    var done = new AtomicInteger();
    var failures = new ConcurrentLinkedQueue<Throwable>();
    var start = new CountDownLatch(1);
    var all = new ArrayList<Thread>();
    for (int i = 0; i < threads; i++) {
      var random = new SplittableRandom(i);
      var loop = new Loop();
      all.add(
          Thread.ofPlatform()
              .start(() -> {
                try {
                  loop.thread = Thread.currentThread();
                  start.await();
                  for (int n = 0; n < each; n++) {
                    var self = new Queue.Ticket[1];
                    self[0] =
                        queue.ticket(
                            new Queue.Turn(
                                "up",
                                random.nextInt(3),
                                "t" + random.nextInt(3),
                                () -> {
                                  most.accumulateAndGet(calling.incrementAndGet(), Math::max);
                                  loop.later.add(() -> {
                                    calling.decrementAndGet();
                                    done.incrementAndGet();
                                    loop.done++;
                                    Objects.requireNonNull(self[0]).vacate();
                                  });
                                }),
                            loop);
                    self[0].enter();
                    loop.runSome(random.nextInt(4));
                  }
                  while (loop.done < each) {
                    loop.runNext();
                  }
                } catch (Throwable e) {
                  failures.add(e);
                }
              }));
    }
    start.countDown();
    for (Thread thread : all) {
      thread.join();
    }
    assertThat(failures).isEmpty();
    assertThat(most.get()).isLessThanOrEqualTo(5);
    assertThat(done.get()).isEqualTo(each * threads);
    assertThat(queue.length() + queue.underWay()).isZero();
  }

  /// A loop whose thread runs what was posted when it likes.
  private static final class Loop implements Clock {
    private final LinkedBlockingQueue<Runnable> posted = new LinkedBlockingQueue<>();
    private final ArrayDeque<Runnable> later = new ArrayDeque<>();
    private int done;
    private volatile Thread thread = Thread.currentThread();

    void runNext() throws InterruptedException {
      Runnable task = later.poll();
      (task == null ? posted.take() : task).run();
    }

    void runSome(int most) {
      for (int left = most; left > 0; left--) {
        Runnable task = posted.poll();
        if (task == null) {
          task = later.poll();
        }
        if (task == null) {
          return;
        }
        task.run();
      }
    }

    @Override
    public long nanos() {
      return 1;
    }

    @Override
    public long millis() {
      return 1;
    }

    @Override
    public void execute(Runnable task) {
      if (Thread.currentThread().equals(thread)) {
        task.run();
      } else {
        posted.add(task);
      }
    }

    @Override
    public Timer after(Duration delay, Runnable task) {
      throw new AssertionError();
    }
  }
}
