package dev.meanwhile.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import com.sun.net.httpserver.HttpServer;
import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigReader;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// README.md's examples do what README.md says. They are read from it, and bash and curl run them
/// before `meanwhile demo`; only the port is another, and `run_…` the id of a run.
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ReadmeTest {
  private static final String README = readme();
  private static final Map<String, String> EXAMPLES = examples();
  private static final int CALLERS = 5;

  private static @Nullable Process demo;
  private static int port;

  @BeforeAll
  static void start() throws Exception {
    for (String program : new String[] {"bash", "curl"}) {
      if (!isInstalled(program)) {
        abort("%1$s is not installed: apt-get install %1$s".formatted(program));
      }
    }
    demo = Launch.meanwhile("demo", "--port", "0").start();
    port = Launch.port(demo.getInputStream());
  }

  @AfterAll
  static void stop() {
    if (demo != null) {
      demo.destroyForcibly();
    }
  }

  @Test
  void every_example_is_tested() {
    assertThat(EXAMPLES.keySet())
        .containsExactly(
            "Synchronous", "Streaming", "Asynchronous", "Responses", "Coalescing", "Cancelling");
  }

  @Test
  void the_operation_can_be_called(@TempDir Path folder) throws Exception {
    int begin = README.indexOf("```yaml\noperations:") + "```yaml\n".length();
    String yaml = README.substring(begin, README.indexOf("```", begin));
    Path file = Files.writeString(folder.resolve("meanwhile.yaml"), yaml, UTF_8);
    Config config = ConfigReader.read(file, Map.of("upstream", "http://127.0.0.1:1/v1"), Map.of());
    var name = Pattern.compile("`POST /v1/operations/([\\w-]+)` with `(.*?)`").matcher(README);
    assertThat(name.find()).isTrue();
    var operation = Objects.requireNonNull(config.operations().get(name.group(1)));
    var template = Objects.requireNonNull(operation.template());
    assertThat(template.fill(name.group(2).getBytes(UTF_8)).problem()).isNull();
  }

  @Test
  void a_plain_call_waits_for_the_end() throws Exception {
    Answer answer = Answer.of(output(example("Synchronous"), port));
    assertThat(answer.status).isEqualTo(200);
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    assertThat(answer.body).contains("\"chat.completion\"").endsWith("}");
    assertThat(answer.run()).isEqualTo(answer.header("x-request-id"));
  }

  @Test
  void a_stream_can_be_read_again_from_any_place() throws Exception {
    String[] commands = example("Streaming").split("\n\n", -1);
    assertThat(commands).hasSize(2);
    Answer stream = Answer.of(output(commands[0], port));
    assertThat(stream.status).isEqualTo(200);
    assertThat(stream.header("content-type")).startsWith("text/event-stream");
    assertThat(stream.run()).isEqualTo(stream.header("x-request-id"));
    assertThat(stream.body).endsWith("data: [DONE]\n\n");

    String again = commands[1].replace("run_…", stream.run());
    Answer rest = Answer.of(output(again, port));
    assertThat(rest.status).isEqualTo(200);
    assertThat(rest.header("content-type")).startsWith("text/event-stream");
    Matcher after = Pattern.compile("\\?after=([\\d.]+)").matcher(again);
    assertThat(after.find()).isTrue();
    List<String> all = events(Answer.of(output(after.replaceFirst(""), port)));
    int seen = ids(all).indexOf(after.group(1)) + 1;
    assertThat(seen).as("it is the id of an event: %s", all).isPositive();
    assertThat(events(rest)).isEqualTo(all.subList(seen, all.size()));
    assertThat(all.getLast()).contains("event: done", "\"completed\"");

    String accept = " -H 'accept: text/event-stream'";
    assertThat(again).contains(accept);
    for (String instead : new String[] {"", " -H 'Prefer: wait=20'"}) {
      Answer snapshot = Answer.of(output(again.replace(accept, instead), port));
      assertThat(snapshot.status).isEqualTo(200);
      assertThat(snapshot.header("content-type")).isEqualTo("application/json");
      assertThat(snapshot.body).contains(stream.run(), "\"completed\"");
    }
  }

  @Test
  void a_background_call_is_fetched_later() throws Exception {
    String[] commands = example("Asynchronous").split("\n\n", -1);
    assertThat(commands).hasSize(2);
    Answer accepted = Answer.of(output(commands[0], port));
    assertThat(accepted.status).isEqualTo(202);
    String run = accepted.run();
    assertThat(accepted.header("location")).endsWith("/v1/chat/completions/" + run);
    assertThat(accepted.body).contains(run).contains("\"choices\":[]");

    String fetch = commands[1].replace("run_…", run);
    Answer answer = Answer.of(output(fetch, port));
    while (answer.status == 202) {
      answer = Answer.of(output(fetch, port));
    }
    assertThat(answer.status).isEqualTo(200);
    assertThat(answer.body).contains("\"chat.completion\"").doesNotContain("\"choices\":[]");
  }

  @Test
  void a_response_is_read_again_from_any_number() throws Exception {
    String[] commands = example("Responses").split("\n\n", -1);
    assertThat(commands).hasSize(2);
    Answer whole = Answer.of(output(commands[0], port));
    assertThat(whole.status).isEqualTo(200);
    assertThat(whole.body)
        .startsWith("event: response.created\n")
        .contains("event: response.queued\n", "event: response.completed\n")
        .endsWith("data: [DONE]\n\n");
    String response = whole.run().replace("run_", "resp_");
    Answer rest = Answer.of(output(commands[1].replace("resp_…", response), port));
    assertThat(rest.status).isEqualTo(200);
    Matcher after = Pattern.compile("starting_after=(\\d+)").matcher(commands[1]);
    assertThat(after.find()).isTrue();
    List<String> all = List.of(whole.body.split("\n\n"));
    int seen = Integer.parseInt(after.group(1)) + 1;
    String expected = String.join("\n\n", all.subList(seen, all.size()));
    assertThat(rest.body.replaceFirst("^(:\n\n)+", "")).isEqualTo(expected + "\n\n");
  }

  /// The upstream answers when all five wait, however long they take to come.
  @Test
  void identical_calls_in_flight_are_one_upstream_call() throws Exception {
    var allWait = new CountDownLatch(1);
    var calls = new AtomicInteger();
    HttpServer upstream =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    upstream.createContext(
        "/",
        call -> {
          calls.incrementAndGet();
          call.getRequestBody().readAllBytes();
          try {
            allWait.await();
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
          byte[] answer = "{\"object\":\"chat.completion\"}".getBytes(UTF_8);
          call.getResponseHeaders().set("content-type", "application/json");
          call.sendResponseHeaders(200, answer.length);
          call.getResponseBody().write(answer);
          call.close();
        });
    try (var threads = Executors.newVirtualThreadPerTaskExecutor();
        var server = serve(upstream.getAddress().getPort())) {
      upstream.setExecutor(threads);
      upstream.start();
      Process five = bash(example("Coalescing"), server.port());
      try {
        awaitOpenRuns(server.port(), CALLERS);
      } finally {
        allWait.countDown();
      }
      List<String> said = cacheStatuses(output(five));
      Matcher told = Pattern.compile("One says `([^`]+)`, four say `([^`]+)`").matcher(README);
      assertThat(told.find()).isTrue();
      String collapsed = told.group(2);
      assertThat(said)
          .containsExactlyInAnyOrder(told.group(1), collapsed, collapsed, collapsed, collapsed);
      assertThat(calls).hasValue(1);
    } finally {
      upstream.stop(0);
    }
  }

  /// However many of them come in time to share: what each is told is what happened.
  @Test
  void identical_calls_of_the_demo_are_told_which_made_a_call() throws Exception {
    List<String> said = cacheStatuses(output(example("Coalescing"), port));
    assertThat(said).hasSize(CALLERS);
    var lines = new ArrayList<String>();
    BufferedReader log = Objects.requireNonNull(demo).inputReader(UTF_8);
    while (lines.size() < CALLERS) {
      String line = log.readLine();
      assertThat(line).as("the demo has ended").isNotNull();
      if (line.contains("\"model\":\"sim-complex\"")) {
        lines.add(line);
      }
    }
    assertThat(lines).allMatch(line -> line.contains("\"status\":\"completed\""));
    assertThat(lines.stream().filter(line -> line.contains("\"attached\":true")).count())
        .isEqualTo(said.stream().filter(each -> each.endsWith("; collapsed")).count());
  }

  /// The simulated API falls silent after some tokens, so that there is something to cancel.
  @Test
  void cancelling_ends_a_run_and_keeps_its_text() throws Exception {
    String stalling =
        example("Streaming")
            .split("\n\n", -1)[0]
            .replace("\"sim-standard\"", "\"sim-standard:stall-after=10\"");
    assertThat(stalling).contains("stall-after");
    Process stream = bash(stalling, port);
    try {
      BufferedReader out = stream.inputReader(UTF_8);
      String run = "";
      for (int events = 0; events < 10; ) {
        String line = out.readLine();
        assertThat(line).as("the stream has ended").isNotNull();
        if (line.toLowerCase(Locale.ROOT).startsWith("meanwhile-run: ")) {
          run = line.substring(line.indexOf(' ') + 1);
        } else if (line.startsWith("data: ")) {
          events++;
        }
      }
      Answer cancelled = Answer.of(output(example("Cancelling").replace("run_…", run), port));
      assertThat(cancelled.status).isEqualTo(200);
      assertThat(cancelled.header("content-type")).isEqualTo("application/json");
      assertThat(cancelled.body)
          .contains("\"id\":\"" + run + "\"", "\"status\":\"cancelled\"")
          .doesNotContain("\"text\":\"\"");
      assertThat(out.lines()).anyMatch(line -> line.contains("run_cancelled"));
      assertThat(stream.waitFor()).as("it breaks").isNotZero();
    } finally {
      stream.destroyForcibly();
    }
  }

  private static Server serve(int upstream) {
    var config =
        ConfigReader.read(
            null,
            Map.of(
                "upstream", "http://127.0.0.1:" + upstream + "/v1",
                "port", "0",
                "shutdown-timeout", "0s"),
            Map.of());
    var log = new PrintStream(OutputStream.nullOutputStream(), false, UTF_8);
    return Server.start(config, Map.of(), log, null);
  }

  private static void awaitOpenRuns(int port, int runs) throws Exception {
    var metrics =
        HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/metrics"))
            .timeout(Duration.ofSeconds(30))
            .build();
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    try (var client = HttpClient.newHttpClient()) {
      // Nobody tells when it is so, so it is asked for again.
      while (!client
          .send(metrics, BodyHandlers.ofString())
          .body()
          .contains("meanwhile_runs_open " + runs + ".0\n")) {
        assertThat(System.nanoTime()).as("there are %s runs within 30 s", runs).isLessThan(limit);
        LockSupport.parkNanos(2_000_000);
      }
    }
  }

  private static List<String> cacheStatuses(String lines) {
    return lines.lines().map(line -> line.replaceFirst("(?i)^cache-status: ", "")).toList();
  }

  /// A stream's blocks that have an id.
  private static List<String> events(Answer answer) {
    return Pattern.compile("\n\n")
        .splitAsStream(answer.body)
        .filter(block -> block.startsWith("id: "))
        .toList();
  }

  private static List<String> ids(List<String> events) {
    return events.stream().map(event -> event.substring(4, event.indexOf('\n'))).toList();
  }

  private static String example(String pattern) {
    return Objects.requireNonNull(EXAMPLES.get(pattern), pattern);
  }

  private static Process bash(String commands, int port) throws IOException {
    assertThat(commands).contains("localhost:8080");
    return Launch.program(
            List.of("bash", "-c", commands.replace("localhost:8080", "localhost:" + port)))
        .redirectInput(new File("/dev/null"))
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static String output(String commands, int port) throws Exception {
    return output(bash(commands, port));
  }

  /// What a process that ends well has printed.
  private static String output(Process process) throws Exception {
    try {
      String out = new String(process.getInputStream().readAllBytes(), UTF_8);
      assertThat(process.waitFor()).as(out).isZero();
      return out;
    } finally {
      process.destroyForcibly();
    }
  }

  private static boolean isInstalled(String program) throws InterruptedException {
    try {
      return new ProcessBuilder(program, "--version")
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException _) {
      return false;
    }
  }

  private static String readme() {
    try {
      for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
        if (Files.exists(at.resolve("README.md"))) {
          return Files.readString(at.resolve("README.md"));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new IllegalStateException("README.md is not above " + Path.of("").toAbsolutePath());
  }

  /// The shell blocks with `curl` in them, by the bold word that stands before each.
  private static Map<String, String> examples() {
    var examples = new LinkedHashMap<String, String>();
    Matcher part =
        Pattern.compile("^\\*\\*(\\w+)|^```sh\n(.*?)\n```$", Pattern.MULTILINE | Pattern.DOTALL)
            .matcher(README);
    String word = "";
    while (part.find()) {
      if (part.group(1) != null) {
        word = part.group(1);
      } else if (part.group(2).contains("curl")) {
        String before = examples.put(word, part.group(2));
        assertThat(before).as("a second example of " + word).isNull();
      }
    }
    return examples;
  }

  /// What `curl -i` has printed.
  private record Answer(int status, Map<String, String> headers, String body) {
    static Answer of(String printed) {
      int end = printed.indexOf("\r\n\r\n");
      assertThat(end).as(printed).isPositive();
      List<String> head = printed.substring(0, end).lines().toList();
      var headers = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
      for (String line : head.subList(1, head.size())) {
        int colon = line.indexOf(':');
        headers.put(line.substring(0, colon), line.substring(colon + 1).strip());
      }
      int status = Integer.parseInt(head.getFirst().split(" ", -1)[1]);
      return new Answer(status, headers, printed.substring(end + 4));
    }

    String header(String name) {
      return headers.getOrDefault(name, "none");
    }

    String run() {
      assertThat(header("Meanwhile-Run")).startsWith("run_");
      return header("Meanwhile-Run");
    }
  }
}
