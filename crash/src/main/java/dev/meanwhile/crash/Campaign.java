package dev.meanwhile.crash;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// One server, killed again and again under load over the same data, and then looked at.
final class Campaign {
  /// When the server is killed.
  enum Point {
    RANDOM("at a random time"),
    EARLY("while it starts, or just after"),
    FIRST_BYTE("after the upstream's first byte"),
    REPLY("between a POST and its answer"),
    TERMINAL("when an upstream's answer has ended"),
    ERASE("between a DELETE and its answer"),
    TOLD("when a webhook's event has come");

    final String text;

    Point(String text) {
      this.text = text;
    }
  }

  /// What was on its way when the server was killed is sent again a minute later, or half a minute
  /// more if the timetable was killed at its work.
  private static final Duration TELLING = Duration.ofMinutes(3);

  private final Storage storage;
  private final long seed;
  private final int kills;
  private final Path work;
  private final Journal journal;
  private final List<Long> killedAt = new ArrayList<>();
  private final Map<Point, Integer> points = new EnumMap<>(Point.class);
  private final List<Double> again = new ArrayList<>();

  /// @param work a directory for what the server says
  Campaign(Storage storage, long seed, int kills, Path work) {
    this.storage = storage;
    this.seed = seed;
    this.kills = kills;
    this.work = work;
    this.journal = new Journal("m" + seed);
  }

  Tally run() throws IOException, SQLException {
    var random = new Random(seed);
    List<Point> order = new ArrayList<>();
    for (int i = 0; i < kills; i++) {
      order.add(Point.values()[i % Point.values().length]);
    }
    Collections.shuffle(order, random);
    try (var upstream = new Upstream();
        var http = new Http();
        var node =
            new Node(List.of(), arguments(upstream), work.resolve("serve-" + seed + ".log"));
        var receiver = new Receiver(http, node, journal)) {
      node.start();
      receiver.register();
      for (int i = 0; i < kills; i++) {
        kill(order.get(i), i, random, upstream, receiver, http, node);
      }
      var check = new Check(http, node, journal);
      if (!check.idle(Duration.ofSeconds(90))) {
        journal.violation("runs are under way 90 s after the last start");
      }
      int unanswered = check.unanswered();
      check.readAll();
      restart(node);
      check.idle(Duration.ofSeconds(30));
      check.readAll();
      check.calls(upstream.calls(), killedAt);
      receiver.everything(TELLING);
      node.stop();
      storage.violations().forEach(journal::violation);
      return tally(upstream.calls(), unanswered, receiver);
    }
  }

  private List<String> arguments(Upstream upstream) {
    var all = new ArrayList<>(storage.arguments());
    all.addAll(List.of("--upstream", upstream.baseUrl(), "--node", "crash"));
    all.addAll(List.of("--webhooks-allow", "127.0.0.1"));
    return all;
  }

  private void restart(Node node) throws IOException {
    node.kill();
    killedAt.add(System.nanoTime());
    node.start();
  }

  private void kill(
      Point point,
      int round,
      Random random,
      Upstream upstream,
      Receiver receiver,
      Http http,
      Node node)
      throws IOException {
    try (var load = new Load(http, node, journal, seed * 1_000 + round)) {
      points.merge(point, 1, Integer::sum);
      switch (point) {
        case RANDOM -> Pause.millis(50 + random.nextInt(1_500));
        case EARLY -> Pause.millis(random.nextInt(60));
        case FIRST_BYTE, TERMINAL -> {
          Pause.millis(100 + random.nextInt(900));
          var moment = point == Point.TERMINAL ? Upstream.Moment.END : Upstream.Moment.FIRST_BYTE;
          await(upstream.next(moment), random.nextInt(4));
        }
        case REPLY, ERASE -> {
          Pause.millis(300 + random.nextInt(700));
          var moment = point == Point.REPLY ? Load.Moment.POST_SENT : Load.Moment.ERASE_SENT;
          await(load.next(moment), random.nextInt(7));
        }
        case TOLD -> {
          Pause.millis(100 + random.nextInt(900));
          await(receiver.next(), random.nextInt(4));
        }
      }
      node.kill();
    }
    long killed = System.nanoTime();
    killedAt.add(killed);
    if (point == Point.EARLY) {
      // Once more, before it is up.
      node.launch();
      Pause.millis(200 + random.nextInt(700));
      node.kill();
      killedAt.add(System.nanoTime());
    }
    Set<String> begun = new HashSet<>();
    List<UpstreamCall> before = upstream.calls();
    before.forEach(call -> begun.add(call.marker()));
    long cut = before.stream().filter(call -> !call.ended()).count();
    long up = node.start();
    if (cut > 0) {
      Pause.until(
          Duration.ofSeconds(3),
          () -> firstAgain(upstream.calls(), before.size(), begun) != Long.MAX_VALUE);
      long first = firstAgain(upstream.calls(), before.size(), begun);
      if (first != Long.MAX_VALUE) {
        again.add(Math.max(0, (first - up) / 1e6));
      }
    }
  }

  private static long firstAgain(List<UpstreamCall> calls, int from, Set<String> begun) {
    return calls.subList(from, calls.size()).stream()
        .filter(call -> begun.contains(call.marker()))
        .mapToLong(UpstreamCall::began)
        .min()
        .orElse(Long.MAX_VALUE);
  }

  private static void await(CountDownLatch moment, int millisMore) {
    try {
      moment.await(3, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Pause.millis(millisMore);
  }

  private Tally tally(List<UpstreamCall> calls, int unanswered, Receiver receiver) {
    Map<String, Integer> statuses = new java.util.TreeMap<>();
    int promised = 0;
    for (Promised each : journal.all()) {
      if (each.run != null) {
        promised++;
        String snapshot = each.read.get("snapshot");
        statuses.merge(
            each.erased || snapshot == null ? "erased" : Check.status(snapshot), 1, Integer::sum);
      }
    }
    long cut = calls.stream().filter(call -> !call.ended()).count();
    long refused = calls.stream().filter(UpstreamCall::refused).count();
    Set<String> markers = new HashSet<>();
    long repeated = calls.stream().filter(call -> !markers.add(call.marker())).count();
    return new Tally(
        storage.title(),
        seed,
        killedAt.size(),
        points,
        journal.all().size(),
        promised,
        unanswered,
        statuses,
        calls.size(),
        repeated,
        cut,
        refused,
        receiver.ends(),
        receiver.repeated(),
        again,
        journal.violations());
  }
}
