package dev.meanwhile.conformance.openainode;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// The tests written in JavaScript, with what they need from npm, in `target/node`.
final class NodeProject {
  private static final Path SOURCE = Path.of("src/test/node");
  private static final Path HERE = Path.of("target/node");
  private static final Path INSTALLED = HERE.resolve("installed-lock.json");

  private NodeProject() {}

  /// Copies the tests and installs their packages unless they are there already.
  ///
  /// Aborts the test, so that it counts as skipped, if this machine cannot do that.
  static void install() throws IOException, InterruptedException {
    if (!answers("node")) {
      abort("node is not installed: install Node.js 20 or newer (apt-get install nodejs)");
    }
    if (!answers("npm")) {
      abort("npm is not installed: apt-get install npm");
    }
    Files.createDirectories(HERE);
    try (Stream<Path> files = Files.list(SOURCE)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, HERE.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    Path lock = HERE.resolve("package-lock.json");
    if (Files.exists(INSTALLED) && Files.mismatch(INSTALLED, lock) < 0) {
      return;
    }
    Finished npm =
        run(
            List.of("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"),
            Map.of(),
            300);
    if (npm.status() != 0) {
      abort("npm cannot install the clients, is there a network? It said:\n" + npm.output());
    }
    Files.copy(lock, INSTALLED, StandardCopyOption.REPLACE_EXISTING);
  }

  /// A program's end.
  ///
  /// @param output what it wrote, to both streams
  record Finished(int status, String output) {}

  /// Runs a program in the project's directory.
  ///
  /// @param seconds after which it is stopped, and that is its failure
  static Finished run(List<String> command, Map<String, String> environment, int seconds)
      throws IOException, InterruptedException {
    Path output = Files.createTempFile(HERE, "output-", ".txt");
    var builder =
        new ProcessBuilder(command)
            .directory(HERE.toFile())
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
            .redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    try {
      boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
      String text = Files.readString(output);
      return ended
          ? new Finished(process.exitValue(), text)
          : new Finished(-1, text + "\nstopped after " + seconds + " s");
    } finally {
      process.descendants().forEach(ProcessHandle::destroy);
      process.destroyForcibly();
      Files.delete(output);
    }
  }

  private static boolean answers(String program) throws InterruptedException {
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
}
