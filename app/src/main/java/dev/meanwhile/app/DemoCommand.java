package dev.meanwhile.app;

import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.simulator.SimulatorConfig;
import dev.meanwhile.store.StoreException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `meanwhile demo`: the server with a simulated AI API behind it.
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Starts the server with a simulated AI API behind it, to try it without a key.")
final class DemoCommand implements Callable<Integer> {
  /// The simulated AI API has a key of its own, so that what outlives its request works too.
  private static final String KEY = "SIMULATED_KEY";

  @Option(
      names = "--port",
      paramLabel = "<port>",
      description = "where to listen; 0 takes any free port (default: ${DEFAULT-VALUE})")
  private int port = 8080;

  @Option(
      names = "--data",
      paramLabel = "<path>",
      description = "directory for what is kept on disk (default: one of the demo's own)")
  private @Nullable Path data;

  @Override
  public Integer call() throws IOException {
    String home = System.getProperty("meanwhile.home");
    if (data != null) {
      return demo(data, () -> {});
    }
    if (home != null) {
      try {
        // The same each time: what was promised is there again, and there is no schema to make.
        return demo(Path.of(home, ".meanwhile", "demo"), () -> {});
      } catch (StoreException e) {
        // Another demo has it.
      }
    }
    Path passing = Files.createTempDirectory("meanwhile-demo");
    return demo(passing, () -> delete(passing));
  }

  private int demo(Path directory, Runnable after) {
    Running simulator = Running.start(SimulatorConfig.defaults().withPort(0));
    Config config =
        ConfigReader.read(
            null,
            Map.of(
                "upstream",
                "http://127.0.0.1:" + simulator.simulator().port() + "/v1",
                "port",
                Integer.toString(port),
                "upstream-key-env",
                KEY,
                "data",
                directory.toString()),
            Map.of(KEY, "simulated"));
    Server server;
    try {
      server = Server.start(config, Map.of(), System.out, Data.of(config));
    } catch (RuntimeException e) {
      simulator.close();
      after.run();
      throw e;
    }
    PrintStream out = System.out;
    Banner.demo(out, config, server.port());
    Stopping.on(
        () -> {
          server.close();
          simulator.close();
          after.run();
          out.println("Stopped.");
        },
        out::println);
    return Stopping.await();
  }

  static void delete(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path each : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    } catch (IOException e) {
      System.err.println("Left behind: " + directory + " (" + e.getMessage() + ")");
    }
  }
}
