package dev.meanwhile.app;

import dev.meanwhile.simulator.SimulatorConfig;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `meanwhile simulate`: an AI API whose latencies and faults are known.
@Command(
    name = "simulate",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Starts a simulated AI API: OpenAI-compatible, with drawn latencies and faults on demand.",
      "Models: sim-fast, sim-standard, sim-complex, sim-vision, sim-embedding."
    },
    footer = {
      "",
      "A fault is asked for by a model's suffix or by the header x-sim-fault, for example",
      "  sim-fast:status=503,retry-after=2   sim-standard:cut-after=10   sim-fast:stall",
      "Counts: GET /sim/stats. All of it: docs/simulator.md"
    })
final class SimulateCommand implements Callable<Integer> {
  @Option(
      names = "--port",
      paramLabel = "<port>",
      description = "where to listen; 0 takes any free port (default: ${DEFAULT-VALUE})")
  private int port = 9090;

  @Option(
      names = "--bind",
      paramLabel = "<address>",
      description = "address to listen on (default: ${DEFAULT-VALUE})")
  private String bind = "127.0.0.1";

  @Option(
      names = "--seed",
      paramLabel = "<number>",
      description = "the same seed draws the same latencies (default: ${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--replay",
      paramLabel = "<file>",
      description = "answer every chat call with this recording, token by token")
  private @Nullable Path replay;

  @Option(names = "--rpm", paramLabel = "<number>", description = "limit of requests a minute")
  private int requestsPerMinute;

  @Option(names = "--tpm", paramLabel = "<number>", description = "limit of tokens a minute")
  private int tokensPerMinute;

  @Override
  public Integer call() {
    SimulatorConfig config =
        SimulatorConfig.defaults().withPort(port).withHost(bind).withSeed(seed);
    if (replay != null) {
      config = config.withReplay(replay);
    }
    if (requestsPerMinute > 0) {
      config = config.withRequestsPerMinute(requestsPerMinute);
    }
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
