package dev.meanwhile.app;

import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.simulator.SimulatorConfig;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoreException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.commons.cli.Option;

/// `meanwhile demo`: the server with a simulated AI API behind it.
final class DemoCommand implements Command {
  private static final int PORT = 8080;

  /// The simulated AI API has a key of its own, so that what outlives its request works too.
  private static final String KEY = "SIMULATED_KEY";

  @Override
  public String name() {
    return "demo";
  }

  @Override
  public List<String> description() {
    return List.of("Starts the server with a simulated AI API behind it, to try it without a key.");
  }

  @Override
  public List<Option> flags() {
    return List.of(
        Command.flag(
            "port", "number", "where to listen; 0 takes any free port (default: " + PORT + ")"),
        Command.flag(
            "data", "path", "directory for what is kept on disk (default: one of the demo's own)"));
  }

  @Override
  public int run(Given given) throws IOException {
    int port = (int) given.number("port", 0, 65_535, PORT);
    String data = given.text("data");
    if (data != null) {
      return demo(port, Path.of(data), () -> {});
    }
    String home = System.getProperty("meanwhile.home");
    if (home != null) {
      try {
        // The same each time: what was promised is there again, and there is no schema to make.
        return demo(port, Path.of(home, ".meanwhile", "demo"), () -> {});
      } catch (StoreException e) {
        // Another demo has it.
      }
    }
    Path passing = Files.createTempDirectory("meanwhile-demo");
    return demo(port, passing, () -> delete(passing));
  }

  private static int demo(int port, Path directory, Runnable after) {
    Store store = Data.in(directory); // gets ready while the simulator starts
    Running simulator;
    try {
      simulator = Running.start(SimulatorConfig.defaults().withPort(0));
    } catch (RuntimeException e) {
      store.close();
      after.run();
      throw e;
    }
    Config config =
        ConfigReader.read(
            null,
            Map.of(
                "upstream",
                "http://127.0.0.1:" + simulator.simulator().port() + "/v1",
                "port",
                Integer.toString(port),
                "upstream-key-env",
                KEY),
            Map.of(KEY, "simulated"));
    Server server;
    try {
      server = Server.start(config, Map.of(), System.out, store);
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
