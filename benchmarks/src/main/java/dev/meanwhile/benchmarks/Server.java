package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A peer that runs, alone on core 0.
final class Server implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(30);

  private final Process process;
  private final Target target;
  private final Thread atExit;

  private Server(Process process, Target target) {
    this.process = process;
    this.target = target;
    // Not by force: nginx's worker would outlive its master.
    atExit = Thread.ofPlatform().unstarted(process::destroy);
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  /// Starts the peer in a new directory under `work` and returns when it accepts connections.
  static Server start(Peer peer, int originPort, Path work) throws IOException {
    var port = freePort();
    var directory = Files.createTempDirectory(work, "peer");
    var words = new ArrayList<>(List.of("taskset", "-c", "0"));
    words.addAll(peer.command(port, originPort, directory));
    return start(peer.title(), new Target(port, peer.headers(originPort)), words, directory);
  }

  /// Starts a command in its directory and returns when the target accepts connections.
  static Server start(String title, Target target, List<String> words, Path directory)
      throws IOException {
    var log = directory.resolve("log");
    var process =
        new ProcessBuilder(words)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    var server = new Server(process, target);
    if (!server.acceptsConnections()) {
      server.close();
      throw new IllegalStateException(
          "%s did not accept connections within %d s; it said: %s"
              .formatted(title, START_LIMIT.toSeconds(), Files.readString(log)));
    }
    return server;
  }

  Target target() {
    return target;
  }

  ProcessTree processes() {
    return new ProcessTree(process.toHandle());
  }

  static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private boolean acceptsConnections() {
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), target.port());
    var end = System.nanoTime() + START_LIMIT.toNanos();
    while (process.isAlive() && System.nanoTime() - end < 0) {
      try (var _ = SocketChannel.open(address)) {
        return true;
      } catch (IOException _) {
        ended(Duration.ofMillis(10));
      }
    }
    return false;
  }

  private boolean ended(Duration within) {
    try {
      return process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException failure) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for a server", failure);
    }
  }

  @Override
  public void close() {
    process.destroy();
    if (!ended(Duration.ofSeconds(5))) {
      process.destroyForcibly();
      ended(Duration.ofSeconds(5));
    }
    Runtime.getRuntime().removeShutdownHook(atExit);
  }
}
