package dev.meanwhile.benchmarks;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import org.HdrHistogram.Histogram;

/// Plain calls that come at a rate, whether or not earlier ones are answered: at random times, as
/// those of many independent callers do. A call's time counts from when it was to be sent, also if
/// all connections were busy then.
final class OpenLoad extends Loop.Timer implements AutoCloseable {
  private static final Duration LONGEST = Duration.ofMinutes(10);

  private final Loop loop;
  private final ByteBuffer call;
  private final int expected;
  private final double perSecond;
  private final SplittableRandom random;
  private final List<Connection> connections = new ArrayList<>();
  private final Deque<Caller> idle = new ArrayDeque<>();
  private final Deque<Long> waiting = new ArrayDeque<>();
  private Histogram times = new Histogram(1_000, LONGEST.toNanos(), 3);
  private boolean stopped;
  private boolean closed;
  private long failures;
  private long begun;
  private long done;

  /// Opens the connections and begins.
  ///
  /// @param expected the status of an answer that counts
  /// @param seed decides when calls are sent
  OpenLoad(
      Loop loop, Target target, int connectionCount, double perSecond, int expected, long seed) {
    this.loop = loop;
    this.perSecond = perSecond;
    this.expected = expected;
    call = target.plainCall();
    random = new SplittableRandom(seed);
    for (var i = 0; i < connectionCount; i++) {
      connections.add(loop.connect(target.port(), Caller::new));
    }
    due(System.nanoTime());
    loop.schedule(this);
  }

  /// Sends what is due, and comes back for the next.
  @Override
  void fire(long now) {
    if (stopped) {
      return;
    }
    while (due() <= now) {
      begun++;
      var caller = idle.poll();
      if (caller == null) {
        waiting.add(due());
      } else {
        caller.send(due());
      }
      due(due() + (long) (-Math.log(1 - random.nextDouble()) * 1e9 / perSecond));
    }
    loop.schedule(this);
  }

  /// Forgets what was recorded until now.
  void reset() {
    times = new Histogram(1_000, LONGEST.toNanos(), 3);
    failures = 0;
  }

  /// The times of all calls answered as expected, in nanoseconds.
  Histogram times() {
    return times;
  }

  /// Other answers and broken connections.
  long failures() {
    return failures;
  }

  /// How many calls were due.
  long begun() {
    return begun;
  }

  /// Sends no more; what is under way or was due is still answered.
  void stop() {
    stopped = true;
  }

  /// Whether all that was due is answered.
  boolean isDone() {
    return stopped && done == begun;
  }

  @Override
  public void close() {
    stopped = true;
    closed = true;
    connections.forEach(Connection::close);
  }

  private final class Caller implements Connection.Handler, HttpParser.Sink {
    private final Connection connection;
    private final HttpParser parser = new HttpParser(this);
    private long intended;
    private int status;

    Caller(Connection connection) {
      this.connection = connection;
    }

    void send(long at) {
      intended = at;
      connection.write(call.duplicate());
    }

    @Override
    public void connected() {
      next();
    }

    @Override
    public void received(ByteBuffer bytes) {
      parser.feed(bytes);
    }

    @Override
    public void closed() {
      failures++;
      done++;
    }

    @Override
    public void head(int answerStatus) {
      status = answerStatus;
    }

    @Override
    public void body(ByteBuffer bytes) {
      bytes.position(bytes.limit());
    }

    @Override
    public void end() {
      if (status == expected) {
        times.recordValue(Math.min(LONGEST.toNanos(), System.nanoTime() - intended));
      } else {
        failures++;
      }
      done++;
      if (!closed) {
        next();
      }
    }

    private void next() {
      var longest = waiting.poll();
      if (longest == null) {
        idle.add(this);
      } else {
        send(longest);
      }
    }
  }
}
