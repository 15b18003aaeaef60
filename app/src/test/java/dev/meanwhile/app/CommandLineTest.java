package dev.meanwhile.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The command line as a process of its own: what it prints, and with what it exits.
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class CommandLineTest {
  private final List<Process> started = new ArrayList<>();

  @AfterEach
  void endAll() {
    started.forEach(Process::destroyForcibly);
  }

  @Test
  void help_tells_every_flag_and_no_secret() throws Exception {
    String help = output(start("serve", "--help"), 0);
    assertThat(help)
        .contains("--upstream", "--port", "--tls-cert", "--max-run", "--on-leave", "--config")
        .contains("MEANWHILE_PORT");
    assertThat(output(start("--help"), 0)).contains("demo", "simulate", "serve", "key");
    assertThat(output(start("simulate", "--help"), 0)).contains("--replay", "sim-fast");
    assertThat(output(start("demo", "--help"), 0)).contains("--port");
  }

  @Test
  void a_wrong_flag_is_named_with_a_suggestion() throws Exception {
    assertThat(output(start("serve", "--prot", "1"), 2)).contains("--prot").contains("--port");
    assertThat(output(start("serve", "--port", "many"), 2)).contains("--port").contains("number");
    assertThat(output(start("serve"), 2)).contains("--upstream");
    assertThat(output(start("fly"), 2)).contains("fly");
  }

  @Test
  void a_wrong_file_is_told_with_all_its_mistakes(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("meanwhile.yaml");
    Files.writeString(file, "server: {prot: 1}\nupstreams: {a: {base-url: 'ftp://x'}}\n", UTF_8);
    assertThat(output(start("serve", "--config", file.toString()), 2))
        .contains("meanwhile.yaml:1:10")
        .contains("port")
        .contains("meanwhile.yaml:2:");
  }

  @Test
  void the_examples_are_valid() throws Exception {
    String file = Path.of("..", "examples", "operations.yaml").toString();
    assertThat(output(start("check", file), 0)).isEqualTo(file + " is valid\n");
  }

  @Test
  void a_file_is_checked_as_serve_reads_it(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("meanwhile.yaml");
    String right =
        "upstreams: {a: {base-url: 'http://x/v1'}}\noperations: {summary: {for: page, model: m, prompt: '{{text}}'}}\n";
    Files.writeString(file, right, UTF_8);
    assertThat(output(start("check", file.toString()), 0)).isEqualTo(file + " is valid\n");
    Files.writeString(file, right.replace("page", "pages").replace("{{text", "{{te xt"), UTF_8);
    String said = output(start("check", file.toString()), 2);
    assertThat(said)
        .contains("meanwhile.yaml:2:")
        .contains("form, search, page")
        .contains("{{text}}");
    assertThat(output(start("serve", "--config", file.toString()), 2)).isEqualTo(said);
    Files.writeString(file, "operations: {}\n", UTF_8);
    assertThat(output(start("check", file.toString()), 2)).contains("--upstream");
    output(start("check", file.toString(), "--upstream", "http://127.0.0.1:1/v1"), 0);
    assertThat(output(start("check"), 2)).contains("file is missing");
    assertThat(output(start("check", file.toString(), "more"), 2)).contains("'more'");
    assertThat(output(start("check", "--help"), 0)).contains("<file>");
    assertThat(output(start("--help"), 0)).contains("check");
  }

  @Test
  void a_hangup_reloads_what_is_right(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("meanwhile.yaml");
    String right = "upstreams: {a: {base-url: 'http://127.0.0.1:1/v1'}}\noperations:\n";
    Files.writeString(file, right + "  a: {for: page}\n", UTF_8);
    Process process = start("serve", "--config", file.toString(), "--port", "0");
    Launch.port(process.getErrorStream());
    var said = new BufferedReader(new InputStreamReader(process.getErrorStream(), UTF_8));
    Files.writeString(file, right + "  a: {for: page}\n  b: {for: form}\n", UTF_8);
    hangup(process);
    String line = said.readLine();
    while (line != null && !line.startsWith("Reloaded")) { // the rest of the banner
      line = said.readLine();
    }
    assertThat(line).isEqualTo("Reloaded: 2 operations, 0 keys.");
    Files.writeString(file, right + "  a: {fro: page}\n  b: {for: never}\n", UTF_8);
    hangup(process);
    assertThat(said.readLine()).isEqualTo("Not reloaded, nothing was changed:");
    assertThat(said.readLine()).contains("meanwhile.yaml:3:7").contains("'for'");
    assertThat(said.readLine()).contains("meanwhile.yaml:4:12").contains("'never'");
    process.toHandle().destroy();
    assertThat(process.waitFor()).isEqualTo(0);
  }

  private static void hangup(Process process) throws Exception {
    assertThat(new ProcessBuilder("kill", "-HUP", Long.toString(process.pid())).start().waitFor())
        .isEqualTo(0);
  }

  @Test
  void a_port_that_is_taken_is_said_in_one_line() throws Exception {
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      String said =
          output(start("serve", "--upstream", "http://127.0.0.1:1/v1", "--port", port), 2);
      assertThat(said).contains(port).contains("--port").doesNotContain("\tat ");
      assertThat(output(start("demo", "--port", port), 2)).contains("--port");
    }
  }

  @Test
  void the_demo_answers_what_it_says_and_ends_well() throws Exception {
    Process demo = start("demo", "--port", "0");
    InputStream out = demo.getInputStream();
    int port = Launch.port(out);
    try (var client = HttpClient.newHttpClient()) {
      var answer =
          client.send(
              HttpRequest.newBuilder(
                      URI.create("http://localhost:" + port + "/v1/chat/completions"))
                  .header("content-type", "application/json")
                  .header("x-sim-first-token-ms", "0")
                  .header("x-sim-token-ms", "0")
                  .POST(
                      HttpRequest.BodyPublishers.ofString(
                          "{\"model\":\"sim-fast\",\"messages\":[{\"role\":\"user\",\"content\":\"never logged\"}]}"))
                  .build(),
              BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body()).contains("chat.completion");
    }
    demo.toHandle().destroy();
    String rest = new String(out.readAllBytes(), UTF_8);
    assertThat(demo.waitFor()).isZero();
    assertThat(rest)
        .contains("\"status\":\"completed\"")
        .contains("Stopped.")
        .doesNotContain("never logged");
  }

  @Test
  void serve_takes_its_flags_and_variables_and_ends_with_0_on_sigterm() throws Exception {
    Process simulator = start("simulate", "--port", "0");
    int upstream = Launch.port(simulator.getInputStream());
    var builder =
        Launch.meanwhile(
            "serve", "--upstream", "http://127.0.0.1:" + upstream + "/v1", "--port", "0");
    builder.environment().put("MEANWHILE_PORT", "1");
    builder.environment().put("MEANWHILE_MAX_BODY", "1KB");
    Process server = builder.start();
    started.add(server);
    int port = Launch.port(server.getErrorStream());
    try (var client = HttpClient.newHttpClient()) {
      var models =
          client.send(
              HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/v1/models")).build(),
              BodyHandlers.ofString());
      assertThat(models.body()).contains("sim-fast");
      var tooBig =
          client.send(
              HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/v1/embeddings"))
                  .POST(HttpRequest.BodyPublishers.ofString("x".repeat(2_000)))
                  .build(),
              BodyHandlers.ofString());
      assertThat(tooBig.statusCode()).isEqualTo(413);
    }
    server.toHandle().destroy();
    assertThat(server.waitFor()).isZero();
  }

  @Test
  void a_key_is_told_once_and_its_hash_is_what_is_configured() throws Exception {
    String said = output(start("key", "--tenant", "shop"), 0);
    Matcher key = Pattern.compile("mw_[\\w-]{43}").matcher(said);
    assertThat(key.find()).isTrue();
    String hash = dev.meanwhile.server.config.Sha256.of(key.group()).toString();
    assertThat(said).contains("{tenant: shop, sha256: " + hash + "}");
  }

  private Process start(String... args) throws IOException {
    Process process = Launch.meanwhile(args).start();
    started.add(process);
    return process;
  }

  /// Both outputs of a process that ends by itself.
  private static String output(Process process, int exit) throws Exception {
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(out + err).isEqualTo(exit);
    return out + err;
  }
}
