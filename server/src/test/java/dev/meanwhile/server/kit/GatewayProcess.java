package dev.meanwhile.server.kit;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.ConfigReader;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// A server in a process of its own, for what a process has only one of: the platform's trust
/// store, the environment. It starts as `meanwhile serve` does, and ends with its standard input,
/// so it outlives no test.
public final class GatewayProcess implements AutoCloseable {
  private static final String LISTENING = "listening on ";

  private final Process process;
  private final int port;

  private GatewayProcess(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /// Starts one before this upstream.
  ///
  /// @param environment variables besides this process's own, of which none speaks of a proxy
  /// @param jvmFlags such as `-Dname=value`
  public static GatewayProcess before(
      String upstream, Map<String, String> environment, List<String> jvmFlags) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // It does little: what starts soonest is best.
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(jvmFlags);
    command.addAll(List.of(GatewayProcess.class.getName(), upstream));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(GatewayProcess::concernsIt);
    builder.environment().putAll(environment);
    Process process = builder.start();
    try {
      return new GatewayProcess(process, port(process));
    } catch (IOException | RuntimeException e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static boolean concernsIt(String variable) {
    String name = variable.toLowerCase(Locale.ROOT);
    return name.startsWith("meanwhile_") || name.endsWith("_proxy");
  }

  private static int port(Process process) throws IOException {
    var said = new StringBuilder();
    BufferedReader out = process.inputReader(UTF_8);
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.startsWith(LISTENING)) {
        return Integer.parseInt(line.substring(LISTENING.length()));
      }
      said.append(line).append('\n');
    }
    throw new IllegalStateException("the server did not start:\n" + said);
  }

  /// The process itself: prints its port, and runs for as long as its input is open.
  public static void main(String[] arguments) throws IOException {
    Map<String, String> environment = System.getenv();
    // A first handshake in a new process on a busy machine: its speed is not what is tested.
    var config =
        ConfigReader.read(
            null,
            Map.of(
                "upstream",
                arguments[0],
                "port",
                "0",
                "shutdown-timeout",
                "0s",
                "connect-timeout",
                "1m"),
            environment);
    var log = new PrintStream(OutputStream.nullOutputStream(), false, UTF_8);
    try (var server = Server.start(config, environment, log, null);
        var in = new InputStreamReader(System.in, UTF_8)) {
      System.out.println(LISTENING + server.port());
      while (in.read() >= 0) {
        // Nothing is said to it.
      }
    }
  }

  /// A raw connection to it.
  public Wire wire() throws IOException {
    return new Wire(port);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
