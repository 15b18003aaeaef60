package dev.meanwhile.benchmarks;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.HdrHistogram.Histogram;

/// Many streamed calls at once, opened evenly over a ramp. Each token's delay is the time from the
/// origin's send to its receipt here.
final class StreamLoad extends Loop.Timer implements AutoCloseable {
  private static final Duration LONGEST_DELAY = Duration.ofMinutes(10);

  private final Loop loop;
  private final int port;
  private final int count;
  private final long rampNanos;
  private final IntFunction<ByteBuffer> calls;
  private final List<Connection> connections = new ArrayList<>();
  private final Histogram delays = new Histogram(1_000, LONGEST_DELAY.toNanos(), 3);
  private final long begin = System.nanoTime();
  private boolean recording;
  private int opened;
  private int ended;
  private int broken;
  private long tokens;
  private long outOfOrder;

  /// Schedules `count` calls; `calls` gives the request of the n-th.
  StreamLoad(Loop loop, int port, int count, Duration ramp, IntFunction<ByteBuffer> calls) {
    this.loop = loop;
    this.port = port;
    this.count = count;
    this.rampNanos = ramp.toNanos();
    this.calls = calls;
    due(begin);
    loop.schedule(this);
  }

  /// Opens the next stream.
  @Override
  void fire(long now) {
    var call = calls.apply(connections.size());
    connections.add(loop.connect(port, connection -> new Caller(connection, call)));
    if (connections.size() < count) {
      due(begin + rampNanos * connections.size() / count);
      loop.schedule(this);
    }
  }

  /// Starts afresh with the delays, and records them from now on.
  void record() {
    delays.reset();
    recording = true;
  }

  /// Stops recording and returns the delays in nanoseconds.
  Histogram recorded() {
    recording = false;
    return delays;
  }

  /// Streams answered 200 so far.
  int opened() {
    return opened;
  }

  /// Streams that ended as HTTP says they must.
  int ended() {
    return ended;
  }

  /// Streams that were refused or broken off.
  int broken() {
    return broken;
  }

  /// Tokens received so far.
  long tokens() {
    return tokens;
  }

  /// Tokens whose number was not one more than that of the token before.
  long outOfOrder() {
    return outOfOrder;
  }

  /// Whether nothing more can come.
  boolean isDone() {
    return ended + broken == count;
  }

  /// Closes the streams that are open.
  @Override
  public void close() {
    connections.forEach(Connection::close);
  }

  private final class Caller implements Connection.Handler, HttpParser.Sink {
    private final Connection connection;
    private final ByteBuffer call;
    private final HttpParser parser = new HttpParser(this);
    private final Token.Scanner scanner = new Token.Scanner(this::token);
    private int expected;
    private boolean refused;
    private boolean done;

    Caller(Connection connection, ByteBuffer call) {
      this.connection = connection;
      this.call = call;
    }

    @Override
    public void connected() {
      connection.write(call);
    }

    @Override
    public void received(ByteBuffer bytes) {
      parser.feed(bytes);
    }

    @Override
    public void head(int status) {
      if (status == 200) {
        opened++;
      } else {
        refused = true;
      }
    }

    @Override
    public void body(ByteBuffer bytes) {
      scanner.feed(bytes);
    }

    private void token(int number, long sentAt) {
      tokens++;
      if (number != expected) {
        outOfOrder++;
      }
      expected = number + 1;
      if (recording) {
        delays.recordValue(Math.min(System.nanoTime() - sentAt, LONGEST_DELAY.toNanos()));
      }
    }

    @Override
    public void end() {
      finish(refused);
    }

    @Override
    public void closed() {
      finish(true);
    }

    private void finish(boolean badly) {
      if (done) {
        return;
      }
      done = true;
      if (badly) {
        broken++;
      } else {
        ended++;
      }
    }
  }
}
