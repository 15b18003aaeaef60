package dev.meanwhile.app;

import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.simulator.SimulatorConfig;
import java.io.PrintStream;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `meanwhile demo`: the server with a simulated AI API behind it.
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Starts the server with a simulated AI API behind it, to try it without a key.")
final class DemoCommand implements Callable<Integer> {
  @Option(
      names = "--port",
      paramLabel = "<port>",
      description = "where to listen; 0 takes any free port (default: ${DEFAULT-VALUE})")
  private int port = 8080;

  @Override
  public Integer call() {
    Running simulator = Running.start(SimulatorConfig.defaults().withPort(0));
    Config config =
        ConfigReader.read(
            null,
            Map.of(
                "upstream",
                "http://127.0.0.1:" + simulator.simulator().port() + "/v1",
                "port",
                Integer.toString(port)),
            Map.of());
    Server server;
    try {
      server = Server.start(config, Map.of(), System.out);
    } catch (RuntimeException e) {
      simulator.close();
      throw e;
    }
    PrintStream out = System.out;
    Banner.demo(out, config, server.port());
    Stopping.on(
        () -> {
          server.close();
          simulator.close();
          out.println("Stopped.");
        },
        out::println);
    return Stopping.await();
  }
}
