package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import java.util.regex.Pattern;
import java.util.stream.LongStream;

/// Opens many feeds and followers of a run, and prints what they take and how soon an end reaches
/// them. Started by `benchmarks/feeds/run`, which pins this process to core 1.
public final class FeedsBenchmark {
  private static final long SEED = 5;
  private static final Duration BEGUN = Duration.ofMillis(100);
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final Pattern RUN = Pattern.compile("run_[0-9a-z]{26}");

  /// The channel that many feeds are of, and all runs.
  private static final String COMMON = "common";

  private static final String CHANNEL = "meanwhile-channel: " + COMMON + "\r\n";

  private final Loop loop;
  private final Origin origin;
  private final FeedsPlan plan;
  private final LongStream.Builder done = LongStream.builder();
  private final LongStream.Builder told = LongStream.builder();
  private int lost;

  private FeedsBenchmark(Loop loop, FeedsPlan plan) throws IOException {
    this.loop = loop;
    this.plan = plan;
    origin = new Origin(loop, SEED);
    origin.plays(new Script.Stream(Duration.ZERO, 2, Duration.ofMillis(1), Script.Ending.HOLDS));
  }

  /// See `benchmarks/feeds/run --help` for the words.
  public static void main(String[] words) throws IOException {
    Locale.setDefault(Locale.ROOT);
    var options = Options.parse(List.of(words));
    var plan = options.quick() ? FeedsPlan.quick() : FeedsPlan.full();
    var work = options.path("work").orElseGet(() -> Path.of(".").toAbsolutePath());
    var began = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    var load = Machine.load();
    var chosen = Promising.of(options, work);
    var promising = new Promising(chosen.meanwhile().accountingForMemory(), work);
    try (var loop = new Loop()) {
      var result = new FeedsBenchmark(loop, plan).measure(promising);
      var report =
          "# Feeds benchmark, %s\n\n%s\n%s"
              .formatted(
                  began.toString().substring(0, 10),
                  FeedsReport.table(result, plan),
                  FeedsReport.method(options, plan, promising.meanwhile().version(), began, load));
      System.out.print(report);
      var record = options.path("record");
      if (record.isPresent()) {
        Files.writeString(record.get(), report);
      }
    }
  }

  private FeedsResult measure(Promising promising) throws IOException {
    var flags = List.of("--max-readers", "20000", "--max-connections", "20000");
    try (var server =
        promising.start(
            promising.directory("feeds"),
            origin.port(),
            plan.runs() + 64,
            flags,
            "taskset",
            "-c",
            "0")) {
      var target = server.target();
      progress("warming up");
      var common = feeds(target, plan.followers(), true);
      var followers = readers(target, plan.followers());
      rounds(target, followers, common, plan.warmUpRounds(), _ -> {}, _ -> {});
      close(followers);
      close(common);
      close(feeds(target, plan.feeds() - plan.followers(), false));
      loop.run(Duration.ofSeconds(2));
      var idleMemory = Memory.ofJvm(server.processes());

      progress("opening");
      common = feeds(target, plan.followers(), true);
      var others = feeds(target, plan.feeds() - plan.followers(), false);
      for (var reader : readers(target, plan.runs())) {
        follow(target, begin(target, ""), List.of(reader));
        others.add(reader);
      }
      followers = readers(target, plan.followers());
      follow(target, begin(target, ""), followers);
      loop.run(Duration.ofSeconds(2));
      var memory = new MemoryResult(idleMemory, Memory.ofJvm(server.processes()), plan.readers());
      progress("idle");
      var before = Usage.now(Optional.of(server.processes()));
      loop.run(plan.idle());
      var idle = Usage.now(Optional.of(server.processes())).since(before);
      checkOpen(common, others, followers);
      endOf(followers, _ -> {});

      progress("ends");
      lost = 0;
      var begin = System.nanoTime();
      before = Usage.now(Optional.of(server.processes()));
      rounds(target, followers, common, plan.rounds(), done::add, told::add);
      var usage = Usage.now(Optional.of(server.processes())).since(before);
      var nanos = System.nanoTime() - begin;
      checkOpen(common, others);
      var result =
          new FeedsResult(
              memory,
              idle.server(),
              plan.idle(),
              FeedsResult.sorted(done.build()),
              FeedsResult.sorted(told.build()),
              lost,
              (double) usage.others() / nanos);
      close(followers);
      close(common);
      close(others);
      return result;
    }
  }

  /// What was measured is what the readers took that were said to be there.
  @SafeVarargs
  private static void checkOpen(List<EventReader>... readers) {
    for (var group : readers) {
      var closed = group.stream().filter(reader -> !reader.isOpen()).count();
      if (closed > 0) {
        throw new IllegalStateException(
            "%,d of %,d readers were cut off".formatted(closed, group.size()));
      }
    }
  }

  private void rounds(
      Target target,
      List<EventReader> followers,
      List<EventReader> feeds,
      int count,
      LongConsumer ofFollowers,
      LongConsumer ofFeeds) {
    // One after the other: a reader's time is not that of those who read something else.
    for (var i = 0; i < count; i++) {
      follow(target, begin(target, ""), followers);
      // So that nobody is busy with its beginning.
      loop.run(BEGUN);
      endOf(followers, ofFollowers);
      begin(target, CHANNEL);
      loop.run(BEGUN);
      feeds.forEach(EventReader::expect);
      end(feeds, ofFeeds);
    }
  }

  /// Begins a run in the background, and returns its id once it is silent.
  private String begin(Target target, String headers) {
    var held = origin.held();
    var answer = ask(target, new Target(target.port(), target.headers() + headers).plainCall());
    var found = RUN.matcher(answer);
    if (!found.find()) {
      throw new IllegalStateException("No run in: " + answer);
    }
    until("the run is under way", () -> origin.held() > held);
    return found.group();
  }

  private void follow(Target target, String run, List<EventReader> followers) {
    for (var follower : followers) {
      follower.ask(get(target, "/v1/runs/" + run, "accept: text/event-stream\r\n"), "event: done");
    }
    until("all follow", () -> followers.stream().allMatch(EventReader::isOpen));
  }

  private void endOf(List<EventReader> followers, LongConsumer times) {
    end(followers, times);
    // Their connections are free for the next when the last chunk is there.
    until("all ends", () -> followers.stream().noneMatch(EventReader::isOpen));
  }

  /// The run that was begun last comes to its end.
  private void end(List<EventReader> readers, LongConsumer times) {
    var began = origin.endLast();
    loop.run(() -> readers.stream().allMatch(it -> it.seenAt() > 0), LIMIT);
    for (var reader : readers) {
      if (reader.seenAt() == 0) {
        lost++;
      } else {
        times.accept(reader.seenAt() - began);
      }
    }
  }

  private List<EventReader> feeds(Target target, int count, boolean ofOne) {
    var feeds = readers(target, count);
    for (var i = 0; i < count; i++) {
      feeds
          .get(i)
          .ask(get(target, "/v1/feeds/" + (ofOne ? COMMON : "user:" + i), ""), "\"completed\"");
    }
    until("all feeds", () -> feeds.stream().allMatch(EventReader::isOpen));
    return feeds;
  }

  private List<EventReader> readers(Target target, int count) {
    var readers = new ArrayList<EventReader>();
    for (var i = 0; i < count; i++) {
      readers.add(new EventReader(loop, target));
      if (i % 100 == 99) {
        // So that none waits in the kernel's queue of connections for long.
        loop.run(Duration.ofMillis(10));
      }
    }
    until("all connections", () -> readers.stream().allMatch(EventReader::isConnected));
    return readers;
  }

  private static void close(List<EventReader> readers) {
    readers.forEach(EventReader::close);
  }

  private String ask(Target target, ByteBuffer request) {
    try (var caller = new Caller(loop, target)) {
      caller.ask(request);
      until("an answer", caller::isAnswered);
      return caller.answer();
    }
  }

  private void until(String what, BooleanSupplier holds) {
    if (!loop.run(holds, LIMIT.multipliedBy(3))) {
      throw new IllegalStateException("Not within 30 s: " + what);
    }
  }

  private static ByteBuffer get(Target target, String path, String headers) {
    return request("GET", target, path, headers);
  }

  private static ByteBuffer request(String method, Target target, String path, String headers) {
    var request =
        "%s %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nauthorization: Bearer sk-benchmark\r\n%s\r\n"
            .formatted(method, path, target.port(), headers);
    return ByteBuffer.wrap(request.getBytes(US_ASCII));
  }

  private static void progress(String what) {
    System.err.println(what);
  }

  /// A connection for one call.
  private static final class Caller implements Connection.Handler, HttpParser.Sink, AutoCloseable {
    private final Connection connection;
    private final HttpParser parser = new HttpParser(this);
    private final StringBuilder answer = new StringBuilder();
    private boolean connected;
    private boolean answered;

    Caller(Loop loop, Target target) {
      connection = loop.connect(target.port(), _ -> this);
      if (!loop.run(() -> connected, LIMIT)) {
        throw new IllegalStateException("No connection within 10 s");
      }
    }

    void ask(ByteBuffer request) {
      connection.write(request);
    }

    boolean isAnswered() {
      return answered;
    }

    String answer() {
      return answer.toString();
    }

    @Override
    public void connected() {
      connected = true;
    }

    @Override
    public void received(ByteBuffer bytes) {
      parser.feed(bytes);
    }

    @Override
    public void head(int status) {}

    @Override
    public void body(ByteBuffer bytes) {
      answer.append(US_ASCII.decode(bytes));
    }

    @Override
    public void end() {
      answered = true;
    }

    @Override
    public void closed() {
      answered = true;
    }

    @Override
    public void close() {
      connection.close();
    }
  }
}
