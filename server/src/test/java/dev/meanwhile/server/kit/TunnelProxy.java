package dev.meanwhile.server.kit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A proxy that makes the tunnels it is asked for (`CONNECT`) to ports of this machine, and keeps
/// what it was asked.
public final class TunnelProxy implements AutoCloseable {
  private final ServerSocket server;
  private final List<String> asked = new ArrayList<>();
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

  private TunnelProxy(ServerSocket server) {
    this.server = server;
    Thread.ofVirtual().start(this::accept);
  }

  public static TunnelProxy start() throws IOException {
    return new TunnelProxy(new ServerSocket(0, 64, InetAddress.getLoopbackAddress()));
  }

  /// What a variable such as `HTTPS_PROXY` holds.
  public String url() {
    return "http://127.0.0.1:" + server.getLocalPort();
  }

  /// The first line of every request, in order.
  public synchronized List<String> asked() {
    return List.copyOf(asked);
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket caller = server.accept();
        sockets.add(caller);
        Thread.ofVirtual().start(() -> tunnel(caller));
      } catch (IOException _) {
        // Closed.
      }
    }
  }

  private void tunnel(Socket caller) {
    try (caller) {
      // Nothing follows the head until it is answered, so nothing is lost in this reader.
      var in = new WireInput(caller.getInputStream());
      String line = String.valueOf(in.line());
      in.headers();
      synchronized (this) {
        asked.add(line);
      }
      if (!line.startsWith("CONNECT ")) {
        caller
            .getOutputStream()
            .write("HTTP/1.1 405 \r\ncontent-length: 0\r\n\r\n".getBytes(UTF_8));
        return;
      }
      int port = Integer.parseInt(line.replaceAll(".*:(\\d+) .*", "$1"));
      try (var target = new Socket(InetAddress.getLoopbackAddress(), port)) {
        sockets.add(target);
        caller.getOutputStream().write("HTTP/1.1 200 Connected\r\n\r\n".getBytes(UTF_8));
        Thread.ofVirtual().start(() -> pass(target, caller));
        pass(caller, target);
      }
    } catch (IOException _) {
      // One of the two has gone; so does the other.
    }
  }

  private static void pass(Socket from, Socket to) {
    try (from;
        to) {
      from.getInputStream().transferTo(to.getOutputStream());
    } catch (IOException _) {
      // Gone.
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
