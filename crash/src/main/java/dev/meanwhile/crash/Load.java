package dev.meanwhile.crash;

import dev.meanwhile.crash.Http.Answer;
import dev.meanwhile.crash.Promised.How;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/// A random load, drawn from a seed: calls of all durable kinds, polls, cancels, erasings.
final class Load implements AutoCloseable {
  /// A moment of a request at which somebody may want to kill.
  enum Moment {
    POST_SENT,
    ERASE_SENT
  }

  private static final int WORKERS = 6;
  private static final String CHAT = "/v1/chat/completions";
  static final String PREFER = "prefer";

  private final Http http;
  private final Node node;
  private final Journal journal;
  private final List<Thread> workers = new ArrayList<>();
  private volatile boolean over;
  private volatile @Nullable Moment awaited;
  private volatile CountDownLatch reached = new CountDownLatch(0);

  Load(Http http, Node node, Journal journal, long seed) {
    this.http = http;
    this.node = node;
    this.journal = journal;
    for (int i = 0; i < WORKERS; i++) {
      var random = new Random(seed * 31 + i);
      workers.add(Thread.ofVirtual().start(() -> work(random)));
    }
  }

  CountDownLatch next(Moment moment) {
    var latch = new CountDownLatch(1);
    reached = latch;
    awaited = moment;
    return latch;
  }

  private void at(Moment moment) {
    if (awaited == moment) {
      reached.countDown();
    }
  }

  private void work(Random random) {
    while (!over && !Thread.currentThread().isInterrupted()) {
      int dice = random.nextInt(100);
      if (dice < 40) {
        call(How.ASYNC, random);
      } else if (dice < 55) {
        call(How.DETACHING, random);
      } else if (dice < 62) {
        call(How.KEYED, random);
      } else if (dice < 70) {
        call(How.KEYED_ASYNC, random);
      } else {
        Promised promised = journal.any(random);
        if (promised != null) {
          touch(promised, dice, random);
        }
      }
      Pause.millis(random.nextInt(40));
    }
  }

  private void call(How how, Random random) {
    Promised promised = journal.next(how, random);
    at(Moment.POST_SENT);
    Answer answer =
        http.send(node.port(), "POST", CHAT, promised.question.body(), headers(promised));
    if (answer == null) {
      return;
    }
    if (answer.status() == 202) {
      promised.run = answer.run();
    } else if (answer.status() == 200 && how == How.KEYED) {
      promised.reads("key", answer.body());
    } else if (answer.status() == 503) {
      promised.refused = how == How.ASYNC && answer.body().contains("and nothing was");
    } else if (answer.status() != 200) {
      journal.violation(
          "%s was answered %d: %s".formatted(promised.marker(), answer.status(), answer.body()));
    }
  }

  /// How a call is made, and made again.
  static String[] headers(Promised promised) {
    return switch (promised.how) {
      case ASYNC -> new String[] {PREFER, "respond-async"};
      case DETACHING -> new String[] {PREFER, "respond-async, wait=0.05"};
      case KEYED -> new String[] {"idempotency-key", promised.marker()};
      case KEYED_ASYNC ->
          new String[] {PREFER, "respond-async", "idempotency-key", promised.marker()};
    };
  }

  private void touch(Promised promised, int dice, Random random) {
    String run = "/v1/runs/" + promised.run;
    if (dice < 85) {
      boolean gone = promised.erased;
      boolean asked = promised.eraseAsked;
      Answer answer = http.get(node.port(), run, PREFER, "wait=0." + random.nextInt(10));
      if (answer != null && answer.status() == 200) {
        if (gone) {
          journal.violation(promised.run + " was erased, and is there");
        }
        Check.snapshot(promised, answer.body(), journal, false);
      } else if (answer != null && !(asked || promised.eraseAsked) && answer.status() != 503) {
        journal.violation("%s: %d %s".formatted(promised.run, answer.status(), answer.body()));
      }
    } else if (dice < 94) {
      Answer answer = http.send(node.port(), "POST", run + "/cancel", "");
      if (answer != null && answer.status() == 200) {
        Check.snapshot(promised, answer.body(), journal, true);
      }
    } else if (promised.read.containsKey("snapshot")) {
      promised.eraseAsked = true;
      at(Moment.ERASE_SENT);
      Answer answer = http.send(node.port(), "DELETE", run, "");
      if (answer != null && answer.status() == 200) {
        promised.erased = true;
      }
    }
  }

  /// No more requests; those under way are given up.
  @Override
  public void close() {
    over = true;
    for (Thread worker : workers) {
      try {
        if (!worker.join(java.time.Duration.ofMillis(200))) {
          worker.interrupt();
          worker.join(java.time.Duration.ofSeconds(10));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
