package dev.meanwhile.crash;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// `meanwhile serve`, as a process that can be killed and started again over the same data.
final class Node implements AutoCloseable {
  private static final Pattern ADDRESS = Pattern.compile("http://[^ ]+?:(\\d+)/v1");
  private static final long START_NANOS = TimeUnit.SECONDS.toNanos(90);

  private final List<String> wrapper;
  private final List<String> arguments;
  private final Path errors;
  private final Thread atExit = Thread.ofPlatform().unstarted(this::kill);
  private @Nullable Process process;
  private long from;
  private volatile int port;

  /// @param wrapper a command that the server is started by, or nothing
  /// @param arguments those of `serve`, beside the port
  /// @param errors a file that takes what it says
  Node(List<String> wrapper, List<String> arguments, Path errors) {
    this.wrapper = wrapper;
    this.arguments = arguments;
    this.errors = errors;
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  /// Starts the process, and does not wait for it.
  void launch() throws IOException {
    var command = new ArrayList<>(wrapper);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // What starts soonest: it is started hundreds of times.
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx512m",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            System.getProperty("java.class.path"),
            "dev.meanwhile.app.Main",
            "serve",
            "--port",
            "0"));
    command.addAll(arguments);
    from = Files.exists(errors) ? Files.size(errors) : 0;
    var builder =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()))
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
    builder.environment().keySet().removeIf(Node::changesWhatItDoes);
    process = builder.start();
  }

  private static boolean changesWhatItDoes(String variable) {
    String name = variable.toLowerCase(Locale.ROOT);
    return name.startsWith("meanwhile_") || name.endsWith("_proxy");
  }

  /// Starts it, and returns when it is up.
  ///
  /// @return when that was, in nanoseconds
  long start() throws IOException {
    launch();
    long limit = System.nanoTime() + START_NANOS;
    while (System.nanoTime() - limit < 0) {
      String said = said();
      Matcher address = ADDRESS.matcher(said);
      if (said.contains("Ctrl-C stops") && address.find()) {
        port = Integer.parseInt(address.group(1));
        return System.nanoTime();
      }
      if (!isAlive()) {
        throw new IOException("the server ended at its start: " + said);
      }
      Pause.millis(5);
    }
    throw new IOException("the server was not up in time: " + said());
  }

  /// What this process has said so far.
  String said() throws IOException {
    byte[] all = Files.exists(errors) ? Files.readAllBytes(errors) : new byte[0];
    if (all.length < from) {
      return "";
    }
    return new String(
        all, (int) from, all.length - (int) from, java.nio.charset.StandardCharsets.UTF_8);
  }

  int port() {
    return port;
  }

  boolean isAlive() {
    Process its = process;
    return its != null && its.isAlive();
  }

  /// SIGKILL.
  void kill() {
    Process its = process;
    if (its != null) {
      // Of what a wrapper has started, too.
      its.descendants().forEach(ProcessHandle::destroyForcibly);
      its.destroyForcibly();
      awaitEnd(its);
    }
  }

  /// SIGTERM, and then, if it takes too long, SIGKILL.
  void stop() {
    Process its = process;
    if (its != null) {
      if (wrapper.isEmpty()) {
        its.destroy();
      } else {
        its.descendants().forEach(ProcessHandle::destroy);
      }
      awaitEnd(its);
      kill();
    }
  }

  private static void awaitEnd(Process its) {
    try {
      its.waitFor(40, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// Sends a signal, such as `STOP`.
  void signal(String name) throws IOException {
    Process its = process;
    if (its != null) {
      Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(its.pid())).start();
      awaitEnd(kill);
    }
  }

  @Override
  public void close() {
    kill();
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // This process ends already: the hook does the same.
      process = null;
    }
  }
}
