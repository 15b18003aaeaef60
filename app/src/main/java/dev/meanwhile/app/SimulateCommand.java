package dev.meanwhile.app;

import dev.meanwhile.simulator.SimulatorConfig;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.cli.Option;

/// `meanwhile simulate`: an AI API whose latencies and faults are known.
final class SimulateCommand implements Command {
  private static final int PORT = 9090;
  private static final String BIND = "127.0.0.1";

  @Override
  public String name() {
    return "simulate";
  }

  @Override
  public List<String> description() {
    return List.of(
        "Starts a simulated AI API: OpenAI-compatible, with drawn latencies and faults on demand.",
        "Models: sim-fast, sim-standard, sim-complex, sim-vision, sim-embedding.");
  }

  @Override
  public List<Option> flags() {
    return List.of(
        Command.flag(
            "port", "number", "where to listen; 0 takes any free port (default: " + PORT + ")"),
        Command.flag("bind", "address", "address to listen on (default: " + BIND + ")"),
        Command.flag("seed", "number", "the same seed draws the same latencies (default: 0)"),
        Command.flag(
            "replay", "file", "answer every chat call with this recording, token by token"),
        Command.flag("rpm", "number", "limit of requests a minute (default: none)"),
        Command.flag("tpm", "number", "limit of tokens a minute (default: none)"));
  }

  @Override
  public List<String> footer() {
    return List.of(
        "A fault is asked for by a model's suffix or by the header x-sim-fault, for example",
        "  sim-fast:status=503,retry-after=2   sim-standard:cut-after=10   sim-fast:stall",
        "Counts: GET /sim/stats. All of it: docs/simulator.md");
  }

  @Override
  public int run(Given given) {
    String bind = given.text("bind", BIND);
    SimulatorConfig config =
        SimulatorConfig.defaults()
            .withPort((int) given.number("port", 0, 65_535, PORT))
            .withHost(bind)
            .withSeed(given.number("seed", Long.MIN_VALUE, Long.MAX_VALUE, 0));
    String replay = given.text("replay");
    if (replay != null) {
      config = config.withReplay(Path.of(replay));
    }
    int requestsPerMinute = (int) given.number("rpm", 1, Integer.MAX_VALUE, 0);
    if (requestsPerMinute > 0) {
      config = config.withRequestsPerMinute(requestsPerMinute);
    }
    int tokensPerMinute = (int) given.number("tpm", 1, Integer.MAX_VALUE, 0);
    if (tokensPerMinute > 0) {
      config = config.withTokensPerMinute(tokensPerMinute);
    }
    Running running = Running.start(config);
    PrintStream out = System.out;
    out.println(
        "Simulated AI API on http://%s:%d/v1, counts at /sim/stats. Ctrl-C stops."
            .formatted(bind, running.simulator().port()));
    Stopping.on(running::close, () -> out.println("Stopping."));
    return Stopping.await();
  }
}
