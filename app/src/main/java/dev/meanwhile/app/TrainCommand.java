package dev.meanwhile.app;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.simulator.SimulatorConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.Option;

/// What the launcher runs once, so that the JDK can write its ahead-of-time cache: a server and a
/// simulator are started and called in the usual ways, and stop.
final class TrainCommand implements Command {
  private static final int ROUNDS = 200;

  @Override
  public String name() {
    return "train";
  }

  @Override
  public List<String> description() {
    return List.of("Calls a server in the usual ways, for the JDK's start-up cache.");
  }

  @Override
  public List<Option> flags() {
    return List.of();
  }

  @Override
  public boolean hidden() {
    return true;
  }

  @Override
  public int run(Given given) throws IOException {
    Path data = Files.createTempDirectory("meanwhile-train");
    try (Running simulator = Running.start(SimulatorConfig.defaults().withPort(0))) {
      Config config =
          ConfigReader.read(
              null,
              Map.of(
                  "upstream",
                  "http://127.0.0.1:" + simulator.simulator().port() + "/v1",
                  "port",
                  "0",
                  "data",
                  data.toString()),
              Map.of());
      var nowhere = new PrintStream(OutputStream.nullOutputStream(), false, UTF_8);
      try (Server server = Server.start(config, Map.of(), nowhere, Data.of(config))) {
        for (int i = 0; i < ROUNDS; i++) {
          chat(server.port(), i, i % 2 == 0);
        }
        send(server.port(), "GET /metrics", "");
        send(server.port(), "GET /v1/runs/run_none", "");
        send(
            server.port(),
            "POST /v1/embeddings",
            "{\"model\":\"sim-embedding\",\"input\":\"words\"}");
      }
    }
    DemoCommand.delete(data);
    return 0;
  }

  private static void chat(int port, int number, boolean streamed) throws IOException {
    send(
        port,
        "POST /v1/chat/completions",
        "{\"model\":\"sim-fast\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"%d\"}]}"
            .formatted(streamed, number));
  }

  private static void send(int port, String what, String body) throws IOException {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      String request =
          what
              + " HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer any\r\nconnection: close\r\n"
              + "x-sim-first-token-ms: 0\r\nx-sim-token-ms: 0\r\n"
              + "content-type: application/json\r\ncontent-length: "
              + body.length()
              + "\r\n\r\n"
              + body;
      socket.getOutputStream().write(request.getBytes(UTF_8));
      socket.getInputStream().readAllBytes();
    }
  }
}
