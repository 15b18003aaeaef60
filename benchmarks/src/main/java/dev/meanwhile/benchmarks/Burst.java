package dev.meanwhile.benchmarks;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// Plain calls that are all sent at once, each over an open connection of its own. Lives on a
/// [Loop]; not thread-safe.
final class Burst implements AutoCloseable {
  private final Loop loop;
  private final List<Caller> callers = new ArrayList<>();
  private int open;
  private int answers;
  private int failures;

  /// Opens a connection for each call.
  ///
  /// @throws IllegalStateException if that cannot be done within the limit
  Burst(Loop loop, Target target, List<ByteBuffer> calls, Duration limit) {
    this.loop = loop;
    for (var call : calls) {
      loop.connect(
          target.port(),
          connection -> {
            var caller = new Caller(connection, call);
            callers.add(caller);
            return caller;
          });
    }
    if (!loop.run(() -> open == calls.size(), limit)) {
      close();
      throw new IllegalStateException(
          "Only %,d of %,d connections were open within %s".formatted(open, calls.size(), limit));
    }
  }

  /// Sends them all, and waits until the last was answered or the limit is reached.
  Result send(Duration limit) {
    answers = 0;
    failures = 0;
    var begin = System.nanoTime();
    callers.forEach(Caller::send);
    loop.run(() -> answers + failures == callers.size(), limit);
    return new Result(System.nanoTime() - begin, callers.size() - answers);
  }

  /// How a burst went.
  ///
  /// @param nanos until the last answer
  /// @param unanswered calls without an answer of status 200
  record Result(long nanos, int unanswered) {}

  @Override
  public void close() {
    callers.forEach(caller -> caller.connection.close());
  }

  private final class Caller implements Connection.Handler, HttpParser.Sink {
    private final Connection connection;
    private final ByteBuffer call;
    private final HttpParser parser = new HttpParser(this);
    private int status;

    Caller(Connection connection, ByteBuffer call) {
      this.connection = connection;
      this.call = call;
    }

    void send() {
      connection.write(call.duplicate());
    }

    @Override
    public void connected() {
      open++;
    }

    @Override
    public void received(ByteBuffer bytes) {
      parser.feed(bytes);
    }

    @Override
    public void closed() {
      failures++;
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
      if (status == 200) {
        answers++;
      } else {
        failures++;
      }
    }
  }
}
