package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// A socket of the [Loop]. Writes go out at once; what the socket does not take waits here.
final class Connection implements Runnable {
  /// What a connection tells its owner.
  interface Handler {
    /// Called once on connections that this side opened.
    void connected();

    /// The bytes are valid during the call only.
    void received(ByteBuffer bytes);

    /// Called once when the other side closed, or the connection failed; not after [#close].
    void closed();
  }

  private final SocketChannel channel;
  private final SelectionKey key;
  private final ByteBuffer readBuffer;
  private final ArrayDeque<ByteBuffer> unsent = new ArrayDeque<>();
  private @Nullable Handler handler;
  private boolean closed;

  Connection(SocketChannel channel, SelectionKey key, ByteBuffer readBuffer) {
    this.channel = channel;
    this.key = key;
    this.readBuffer = readBuffer;
    key.attach(this);
  }

  void handler(Handler owner) {
    handler = owner;
  }

  boolean isClosed() {
    return closed;
  }

  /// Writes all that remains of the bytes, now or when the socket has room.
  void write(ByteBuffer bytes) {
    if (closed) {
      return;
    }
    try {
      if (unsent.isEmpty()) {
        channel.write(bytes);
      }
      if (bytes.hasRemaining()) {
        var copy = ByteBuffer.allocate(bytes.remaining());
        unsent.add(copy.put(bytes).flip());
        key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
      }
    } catch (IOException _) {
      fail();
    }
  }

  /// Called by the loop when the socket is ready for something.
  @Override
  public void run() {
    try {
      if (key.isConnectable()) {
        channel.finishConnect();
        key.interestOps(SelectionKey.OP_READ);
        owner().connected();
        return;
      }
      if (key.isWritable()) {
        flush();
      }
      if (key.isValid() && key.isReadable()) {
        read();
      }
    } catch (IOException _) {
      fail();
    }
  }

  private void flush() throws IOException {
    for (var next = unsent.peek(); next != null; next = unsent.peek()) {
      channel.write(next);
      if (next.hasRemaining()) {
        return;
      }
      unsent.remove();
    }
    key.interestOps(SelectionKey.OP_READ);
  }

  private void read() throws IOException {
    readBuffer.clear();
    if (channel.read(readBuffer) < 0) {
      fail();
    } else {
      owner().received(readBuffer.flip());
    }
  }

  private Handler owner() {
    if (handler == null) {
      throw new IllegalStateException("A connection was ready before it had a handler");
    }
    return handler;
  }

  private void fail() {
    if (!closed) {
      close();
      owner().closed();
    }
  }

  void close() {
    closed = true;
    unsent.clear();
    try {
      channel.close();
    } catch (IOException _) {
      // Nothing is owed to the other side of a benchmark's connection.
    }
  }
}
