package dev.meanwhile.benchmarks;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.DoubleSupplier;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/// Puts loads on one target and takes the CPU time meanwhile.
final class Measurement {
  /// How long streams may be behind at the end before their tokens count as lost.
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Loop loop;
  private final Origin origin;
  private final Target target;
  private final Supplier<Usage> usage;
  private long groups = System.nanoTime();

  Measurement(Loop loop, Origin origin, Target target, Supplier<Usage> usage) {
    this.loop = loop;
    this.origin = origin;
    this.target = target;
    this.usage = usage;
  }

  /// Plain calls until the CPU time per call has settled.
  WarmUp.Part plainWarmUp(Script.Plain answer, int connections, Duration limit) {
    origin.plays(answer);
    try (var load = new PlainLoad(loop, target, connections)) {
      return warm(limit, () -> plain(load, Plan.WINDOW).cpuMicrosPerCall());
    }
  }

  /// Streams, again and again, until the CPU time per token has settled.
  WarmUp.Part streamsWarmUp(Plan.Streams streams, Duration limit) {
    return warm(limit, () -> streams(streams).window().cpuMicrosPerToken());
  }

  private static WarmUp.Part warm(Duration limit, DoubleSupplier cost) {
    var settling = new Settling();
    var begin = System.nanoTime();
    var settled = false;
    while (!settled && System.nanoTime() - begin < limit.toNanos()) {
      settled = settling.settled(cost.getAsDouble());
    }
    return new WarmUp.Part(Duration.ofNanos(System.nanoTime() - begin), settled);
  }

  /// Plain calls, after a second of them in which the connections are opened.
  PlainResult plain(Script.Plain answer, int connections, Duration time) {
    origin.plays(answer);
    try (var load = new PlainLoad(loop, target, connections)) {
      loop.run(Duration.ofSeconds(1));
      return plain(load, time);
    }
  }

  private PlainResult plain(PlainLoad load, Duration time) {
    var calls = load.answers();
    var failures = load.failures();
    var before = usage.get();
    var begin = System.nanoTime();
    loop.run(time);
    return new PlainResult(
        load.answers() - calls,
        load.failures() - failures,
        System.nanoTime() - begin,
        usage.get().since(before));
  }

  /// Streams, each with a log of its own; the window begins when the ramp is over.
  StreamResult streams(Plan.Streams streams) {
    return run(streams, target::streamedCall, streams.ramp());
  }

  /// Streams of which so many share a log; the window begins when a tenth of the log is written.
  StreamResult shared(Plan.Streams streams, int readersPerLog) {
    var first = groups;
    groups += streams.count();
    return run(
        streams,
        number -> target.sharedCall(first + number / readersPerLog),
        streams.script().length().dividedBy(10));
  }

  /// What readers and length add to the cost of a token.
  ScalingResult scaling(Plan plan) {
    var oneReader = shared(plan.readers(), 1).window();
    var before = origin.streams();
    var manyReaders = shared(plan.readers(), Plan.READERS_PER_LOG).window();
    var logs = origin.streams() - before;
    var shortLog = shared(plan.shortLog(), 1).window();
    for (var i = 1; i < plan.shortLogRounds() / 2; i++) {
      shortLog = shortLog.plus(shared(plan.shortLog(), 1).window());
    }
    var longLog = shared(plan.longLog(), 1).window();
    // The other half afterwards, so that a drift of the machine meets both.
    for (var i = plan.shortLogRounds() / 2; i < plan.shortLogRounds(); i++) {
      shortLog = shortLog.plus(shared(plan.shortLog(), 1).window());
    }
    return new ScalingResult(oneReader, manyReaders, shortLog, longLog, logs);
  }

  private StreamResult run(Plan.Streams streams, IntFunction<ByteBuffer> calls, Duration lead) {
    origin.plays(streams.script());
    try (var load = new StreamLoad(loop, target.port(), streams.count(), streams.ramp(), calls)) {
      loop.run(lead);
      var opened = load.opened();
      load.record();
      var tokens = load.tokens();
      var before = usage.get();
      var begin = System.nanoTime();
      loop.run(load::isDone, streams.script().length().minus(lead));
      var windowTokens = load.tokens() - tokens;
      var nanos = System.nanoTime() - begin;
      var windowUsage = usage.get().since(before);
      // Later tokens' delays count too: those of a server that is behind are the longest.
      loop.run(load::isDone, streams.ramp().plus(PATIENCE));
      var delays = load.recorded();
      return new StreamResult(
          streams.count(),
          opened,
          load.ended(),
          load.broken(),
          streams.tokens(),
          load.tokens(),
          load.outOfOrder(),
          new StreamResult.Window(
              windowTokens,
              nanos,
              windowUsage,
              new StreamResult.Delays(
                  delays.getValueAtPercentile(50),
                  delays.getValueAtPercentile(99),
                  delays.getMaxValue())));
    }
  }

  /// The memory with no stream open, then with these open.
  MemoryResult memory(Plan.Streams streams, Plan.Streams warmUp, MemoryProbe probe) {
    streams(warmUp);
    origin.plays(streams.script());
    loop.run(Duration.ofSeconds(1));
    var idle = probe.take();
    try (var load =
        new StreamLoad(
            loop, target.port(), streams.count(), streams.ramp(), target::streamedCall)) {
      // If some do not open, the memory of those that did is still worth telling.
      loop.run(() -> load.tokens() == streams.tokens(), streams.ramp().plus(PATIENCE));
      loop.run(Duration.ofSeconds(1));
      return new MemoryResult(idle, probe.take(), load.opened());
    }
  }

  /// Reads the server's memory.
  @FunctionalInterface
  interface MemoryProbe {
    Memory take();
  }
}
