package dev.meanwhile.server.kit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ServerSocketFactory;
import org.jspecify.annotations.Nullable;

/// An upstream over a bare socket: keeps every request as it came, and answers with the very bytes
/// a test writes, in the slices it chooses. A test either takes each exchange and answers it, or
/// gives a script that answers them all.
public final class RawUpstream implements AutoCloseable {
  /// Answers one request, on a thread of its own.
  public interface Script {
    void answer(Exchange exchange) throws IOException;
  }

  private final ServerSocket server;
  private final @Nullable Script script;
  private final LinkedBlockingQueue<Exchange> untaken = new LinkedBlockingQueue<>();
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicInteger calls = new AtomicInteger();
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

  private RawUpstream(ServerSocket server, @Nullable Script script) {
    this.server = server;
    this.script = script;
    Thread.ofVirtual().start(this::accept);
  }

  /// One whose exchanges the test answers.
  public static RawUpstream start() {
    return start(ServerSocketFactory.getDefault(), null);
  }

  /// One that answers by itself.
  public static RawUpstream start(Script script) {
    return start(ServerSocketFactory.getDefault(), script);
  }

  /// One over sockets of another kind, such as TLS.
  public static RawUpstream start(ServerSocketFactory sockets, @Nullable Script script) {
    try {
      return new RawUpstream(
          sockets.createServerSocket(0, 1_024, InetAddress.getLoopbackAddress()), script);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public int port() {
    return server.getLocalPort();
  }

  /// What the gateway takes as its upstream.
  public String url() {
    return "http://127.0.0.1:" + port() + "/v1";
  }

  /// How many connections were made to it.
  public int connections() {
    return connections.get();
  }

  /// How many requests it was sent.
  public int calls() {
    return calls.get();
  }

  /// The next request, once it is there.
  public Exchange take() {
    try {
      Exchange exchange = untaken.poll(Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      return Objects.requireNonNull(exchange, "the upstream was not called");
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        socket.setTcpNoDelay(true);
        connections.incrementAndGet();
        sockets.add(socket);
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException _) {
        // Closed, or a handshake that failed.
      }
    }
  }

  private void serve(Socket socket) {
    Exchange last = null;
    try {
      var in = new WireInput(socket.getInputStream());
      var out = socket.getOutputStream();
      while (true) {
        Exchange next = Exchange.read(in, out, socket);
        if (next == null) {
          break;
        }
        last = next;
        calls.incrementAndGet();
        untaken.add(next);
        if (script != null) {
          Thread.ofVirtual().start(() -> run(script, next));
        }
      }
    } catch (IOException _) {
      // The caller broke the connection, which the exchange is told below.
    } finally {
      if (last != null) {
        last.gone();
      }
    }
  }

  private static void run(Script script, Exchange exchange) {
    try {
      script.answer(exchange);
    } catch (IOException _) {
      // The caller has gone.
    }
  }

  @Override
  public void close() {
    try {
      server.close();
      for (Socket socket : sockets) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
