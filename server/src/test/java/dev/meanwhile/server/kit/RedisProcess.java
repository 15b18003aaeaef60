package dev.meanwhile.server.kit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import redis.embedded.RedisServer;

/// A real Redis of a test's own, which keeps nothing on the disk.
public final class RedisProcess implements AutoCloseable {
  private final int port;
  private RedisServer server;

  private RedisProcess(int port) throws IOException {
    this.port = port;
    this.server = start(port);
  }

  public static RedisProcess start() throws IOException {
    int free;
    try (var socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }
    return new RedisProcess(free);
  }

  private static RedisServer start(int port) throws IOException {
    RedisServer made =
        RedisServer.newRedisServer()
            .port(port)
            .bind("127.0.0.1")
            .setting("save \"\"")
            .setting("daemonize no")
            .build();
    made.start();
    return made;
  }

  public URI address() {
    return URI.create("redis://127.0.0.1:" + port);
  }

  /// Ends it, with all that it has.
  public void kill() throws IOException {
    server.stop();
  }

  /// Begins again, with nothing.
  public void again() throws IOException {
    server = start(port);
  }

  /// Has it do something, and returns the first line of its answer.
  public String command(String line) throws IOException {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port);
        var answer = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8))) {
      socket.getOutputStream().write((line + "\r\n").getBytes(UTF_8));
      return String.valueOf(answer.readLine());
    }
  }

  @Override
  public void close() throws IOException {
    server.stop();
  }
}
