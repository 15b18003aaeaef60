package dev.meanwhile.benchmarks;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// Plain calls in a closed loop: each connection sends its next call when it has its answer.
final class PlainLoad implements AutoCloseable {
  private final ByteBuffer call;
  private final int expected;
  private final List<Connection> connections = new ArrayList<>();
  private boolean closed;
  private long answers;
  private long failures;

  /// Opens the connections, which begin as soon as the loop runs.
  PlainLoad(Loop loop, Target target, int connectionCount) {
    this(loop, target, connectionCount, 200);
  }

  /// The same where another status is the right one.
  PlainLoad(Loop loop, Target target, int connectionCount, int expected) {
    this.expected = expected;
    call = target.plainCall();
    for (var i = 0; i < connectionCount; i++) {
      connections.add(loop.connect(target.port(), Caller::new));
    }
  }

  /// Complete answers of the expected status, 200 if nothing else was said, so far.
  long answers() {
    return answers;
  }

  /// Other answers and broken connections so far.
  long failures() {
    return failures;
  }

  @Override
  public void close() {
    closed = true;
    connections.forEach(Connection::close);
  }

  private final class Caller implements Connection.Handler, HttpParser.Sink {
    private final Connection connection;
    private final HttpParser parser = new HttpParser(this);
    private int status;

    Caller(Connection connection) {
      this.connection = connection;
    }

    @Override
    public void connected() {
      connection.write(call.duplicate());
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
      if (status == expected) {
        answers++;
      } else {
        failures++;
      }
      if (!closed) {
        connection.write(call.duplicate());
      }
    }
  }
}
