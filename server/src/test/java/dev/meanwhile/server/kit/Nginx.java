package dev.meanwhile.server.kit;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// nginx, as Debian has it, with a configuration of a test's. Skips the test where there is none.
public final class Nginx implements AutoCloseable {
  private final Process process;
  private final int port;

  private Nginx(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /// Starts it in `directory`.
  ///
  /// @param blocks what stands in the `http` block; `80` there becomes a free port
  public static Nginx start(Path directory, String blocks) throws Exception {
    Path program = program();
    int port = free();
    Files.writeString(
        directory.resolve("nginx.conf"),
        """
        daemon off;
        worker_processes 1;
        pid %1$s/nginx.pid;
        error_log %1$s/error.log;
        events { worker_connections 256; }
        http {
          access_log off;
          client_body_temp_path %1$s/body;
          proxy_temp_path %1$s/proxy;
          fastcgi_temp_path %1$s/fastcgi;
          uwsgi_temp_path %1$s/uwsgi;
          scgi_temp_path %1$s/scgi;
        %2$s
        }
        """
            .formatted(directory, blocks.replace("listen 80;", "listen 127.0.0.1:" + port + ";")));
    Process process =
        new ProcessBuilder(
                List.of(
                    program.toString(),
                    "-e",
                    directory.resolve("error.log").toString(),
                    "-p",
                    directory.toString(),
                    "-c",
                    directory.resolve("nginx.conf").toString()))
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("out.log").toFile())
            .start();
    var nginx = new Nginx(process, port);
    Eventually.until("nginx listens: " + directory, () -> nginx.listens(directory));
    return nginx;
  }

  public int port() {
    return port;
  }

  private boolean listens(Path directory) throws IOException {
    if (!process.isAlive()) {
      throw new IllegalStateException(Files.readString(directory.resolve("out.log")));
    }
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException _) {
      return false;
    }
  }

  private static Path program() {
    for (String path : new String[] {"/usr/sbin/nginx", "/usr/bin/nginx"}) {
      if (Files.isExecutable(Path.of(path))) {
        return Path.of(path);
      }
    }
    return abort("there is no nginx here; Debian's package is called nginx-light");
  }

  private static int free() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
