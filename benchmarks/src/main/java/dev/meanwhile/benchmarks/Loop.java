package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.PriorityQueue;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/// One thread and one selector that carry both ends of a relay, the origin's and the callers', so
/// that both read one clock and neither can take the core from the other.
///
/// It works only while [#run] runs, on the thread that calls it. Not thread-safe.
final class Loop implements AutoCloseable {
  /// Timers fired between two looks at the sockets: few, or received tokens would wait for sends.
  private static final int TIMERS_AT_ONCE = 8;

  private static final long MILLISECOND = 1_000_000;

  private final Selector selector;
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
  private final ByteBuffer readBuffer = ByteBuffer.allocateDirect(256 * 1024);

  private final boolean sleeps;

  Loop() throws IOException {
    this(false);
  }

  private Loop(boolean sleeps) throws IOException {
    this.sleeps = sleeps;
    selector = Selector.open();
  }

  /// One that fires its timers up to 1 ms late rather than keep a core from others.
  static Loop sleeping() throws IOException {
    return new Loop(true);
  }

  /// Listens on an ephemeral port of 127.0.0.1 and returns that port.
  int listen(Function<Connection, Connection.Handler> accepted) throws IOException {
    var server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 4096);
    server.configureBlocking(false);
    Runnable accept =
        () -> {
          try {
            for (var channel = server.accept(); channel != null; channel = server.accept()) {
              register(channel, SelectionKey.OP_READ, accepted);
            }
          } catch (IOException failure) {
            throw new IllegalStateException("Cannot accept; is `ulimit -n` too low?", failure);
          }
        };
    server.register(selector, SelectionKey.OP_ACCEPT, accept);
    return ((InetSocketAddress) server.getLocalAddress()).getPort();
  }

  /// Begins to connect to a port of 127.0.0.1; the handler is told how it went.
  Connection connect(int port, Function<Connection, Connection.Handler> connected) {
    try {
      var channel = SocketChannel.open();
      channel.configureBlocking(false);
      // On loopback this may be done at once; the selector reports it all the same.
      channel.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return register(channel, SelectionKey.OP_CONNECT, connected);
    } catch (IOException failure) {
      throw new IllegalStateException("Cannot connect; is `ulimit -n` too low?", failure);
    }
  }

  private Connection register(
      SocketChannel channel, int interest, Function<Connection, Connection.Handler> handlers)
      throws IOException {
    channel.configureBlocking(false);
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    var connection = new Connection(channel, channel.register(selector, interest), readBuffer);
    connection.handler(handlers.apply(connection));
    return connection;
  }

  /// Fires the timer when its time has come; a timer may be in the loop once.
  void schedule(Timer timer) {
    timers.add(timer);
  }

  /// Runs for this long.
  void run(Duration duration) {
    run(() -> false, duration);
  }

  /// Runs until it is done or the limit is reached, and returns whether it was done.
  boolean run(BooleanSupplier done, Duration limit) {
    var end = System.nanoTime() + limit.toNanos();
    while (!done.getAsBoolean()) {
      var now = System.nanoTime();
      if (now - end >= 0) {
        return false;
      }
      var fired = fire(now);
      var next = timers.peek();
      // What was fired may have been what is waited for.
      var until = fired ? now : Math.min(end, next == null ? Long.MAX_VALUE : next.due());
      select(until - System.nanoTime());
    }
    return true;
  }

  /// Whether there was something to fire.
  private boolean fire(long now) {
    for (var i = 0; i < TIMERS_AT_ONCE; i++) {
      var next = timers.peek();
      if (next == null || next.due() > now) {
        return i > 0;
      }
      timers.remove();
      next.fire(now);
    }
    return true;
  }

  /// Within the last millisecond it looks without sleeping: a selector's sleep is no finer, and
  /// tokens would be sent in bursts.
  private void select(long nanos) {
    try {
      if (nanos < MILLISECOND && !(sleeps && nanos > 0)) {
        selector.selectNow(Loop::ready);
      } else if (nanos < MILLISECOND) {
        selector.select(Loop::ready, 1);
      } else {
        selector.select(Loop::ready, nanos / MILLISECOND);
      }
    } catch (IOException failure) {
      throw new IllegalStateException("The selector failed", failure);
    }
  }

  private static void ready(SelectionKey key) {
    ((Runnable) key.attachment()).run();
  }

  @Override
  public void close() throws IOException {
    for (var key : selector.keys()) {
      key.channel().close();
    }
    selector.close();
  }

  /// Something to do at a time of [System#nanoTime].
  abstract static class Timer implements Comparable<Timer> {
    private long due;

    final long due() {
      return due;
    }

    final void due(long time) {
      due = time;
    }

    abstract void fire(long now);

    @Override
    public final int compareTo(Timer other) {
      return Long.compare(due, other.due);
    }
  }
}
