package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.ByteBuffer;

/// A connection that reads one stream of events after another, and notes when each had a certain
/// text for the first time. Lives on a [Loop]; not thread-safe.
final class EventReader implements Connection.Handler, HttpParser.Sink, AutoCloseable {
  private final Connection connection;
  private final HttpParser parser = new HttpParser(this);
  private byte[] wanted = {};
  private int matched;
  private boolean connected;
  private boolean open;
  private long seenAt;

  EventReader(Loop loop, Target target) {
    connection = loop.connect(target.port(), _ -> this);
  }

  /// Whether it can ask.
  boolean isConnected() {
    return connected;
  }

  /// Asks for a stream; `text` is what it is read for.
  void ask(ByteBuffer request, String text) {
    wanted = text.getBytes(US_ASCII);
    open = false;
    expect();
    connection.write(request);
  }

  /// Waits for the text once more, in the stream that is open.
  void expect() {
    matched = 0;
    seenAt = 0;
  }

  /// Whether the stream's events come.
  boolean isOpen() {
    return open;
  }

  /// When the text came, in times of [System#nanoTime]; 0 if it has not.
  long seenAt() {
    return seenAt;
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
  public void head(int status) {
    if (status != 200) {
      throw new IllegalStateException("A stream of events was answered by " + status);
    }
  }

  @Override
  public void body(ByteBuffer bytes) {
    open = true;
    while (bytes.hasRemaining()) {
      byte next = bytes.get();
      // Enough for a text whose beginning does not come again within it.
      matched = next == wanted[matched] ? matched + 1 : next == wanted[0] ? 1 : 0;
      if (matched == wanted.length) {
        matched = 0;
        seenAt = seenAt == 0 ? System.nanoTime() : seenAt;
      }
    }
  }

  @Override
  public void end() {
    open = false;
  }

  @Override
  public void closed() {
    open = false;
  }

  @Override
  public void close() {
    connection.close();
  }
}
