package dev.meanwhile.conformance.openainode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meanwhile.conformance.Rig;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Runs each file of tests in `src/test/node` against a server of its own.
final class OpenAiNodeTest {
  private static final int SECONDS = 120;

  @BeforeAll
  static void install() throws IOException, InterruptedException {
    NodeProject.install();
  }

  @ParameterizedTest
  @ValueSource(strings = {"chat", "failure", "leaving", "sharing"})
  void openai(String file) throws IOException, InterruptedException {
    runAlone(Rig.start(), file, Map.of());
  }

  @ParameterizedTest
  @ValueSource(strings = {"async", "webhooks", "responses"})
  void openaiWhereRunsAreKept(String file) throws IOException, InterruptedException {
    runAlone(Rig.keeping(), file, Map.of());
  }

  @Test
  void openaiAfterARestart(@TempDir Path folder) throws IOException, InterruptedException {
    try (Rig rig = Rig.keeping()) {
      Map<String, String> kept = Map.of("KEPT", folder.resolve("kept.json").toString());
      run(rig, "restarted", kept);
      rig.restart();
      run(rig, "restarted", kept);
    }
  }

  @Test
  void eventSourceInChromium() throws IOException, InterruptedException {
    runAlone(Rig.start(), "eventsource", chromium());
  }

  @Test
  void feedsInChromium() throws IOException, InterruptedException {
    runAlone(Rig.keeping(), "feeds", chromium());
  }

  private static Map<String, String> chromium() {
    Optional<Path> chromium =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(Pattern.quote(File.pathSeparator)))
            .map(directory -> Path.of(directory, "chromium"))
            .filter(Files::isExecutable)
            .findFirst();
    assumeTrue(chromium.isPresent(), "chromium is not installed: apt-get install chromium");
    return Map.of("CHROMIUM", chromium.orElseThrow().toString());
  }

  private static void runAlone(Rig started, String file, Map<String, String> more)
      throws IOException, InterruptedException {
    try (Rig rig = started) {
      run(rig, file, more);
    }
  }

  private static void run(Rig rig, String file, Map<String, String> more)
      throws IOException, InterruptedException {
    var environment = new HashMap<>(more);
    environment.put("MEANWHILE", rig.origin());
    environment.put("SIMULATOR", rig.simulatorOrigin());

    NodeProject.Finished node =
        NodeProject.run(
            List.of("node", "--test", "--test-reporter=spec", file + ".test.js"),
            environment,
            SECONDS);

    assertThat(node.status()).as(node.output()).isZero();
    // A file without tests passes too.
    assertThat(node.output()).containsPattern("pass [1-9]").contains("skipped 0");
  }
}
