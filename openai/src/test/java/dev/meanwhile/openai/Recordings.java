package dev.meanwhile.openai;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What real providers sent. It lies beside the repository, or where `-Dmeanwhile.shared` says; a
/// test that needs it is skipped where it is absent.
final class Recordings {
  private Recordings() {}

  /// The `data` payloads of every chat stream, one list a file.
  static List<Path> chatStreams() {
    return files("chat", ".chunks.txt");
  }

  /// Every plain answer of the chat API.
  static List<Path> chatAnswers() {
    return files("chat", ".json").stream()
        .filter(file -> !file.getFileName().toString().contains("error"))
        .toList();
  }

  static List<Path> embeddings() {
    return files("embeddings", ".json");
  }

  static Path chat(String name) {
    return root().resolve("recordings").resolve("chat").resolve(name);
  }

  static List<String> payloads(Path file) {
    return text(file).lines().filter(line -> !line.isBlank()).toList();
  }

  /// The whole stream as a provider sends it.
  static String stream(Path file) {
    return stream(payloads(file));
  }

  static String stream(List<String> payloads) {
    StringBuilder out = new StringBuilder();
    for (String payload : payloads) {
      out.append("data: ").append(payload).append("\n\n");
    }
    return out.append("data: [DONE]\n\n").toString();
  }

  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Streams to learn from in any case: our own fixtures, and the recordings where they are there.
  static List<List<String>> samples() {
    List<Path> all = new ArrayList<>();
    for (String name : List.of("two-choices", "tools-and-reasoning", "parts")) {
      all.add(fixture(name));
    }
    Path shared = shared();
    if (shared != null && Files.isDirectory(shared.resolve("recordings"))) {
      all.addAll(chatStreams());
    }
    return all.stream().map(Recordings::payloads).toList();
  }

  static Path fixture(String name) {
    String path = "/chat/" + name + ".chunks.txt";
    try {
      return Path.of(Objects.requireNonNull(Recordings.class.getResource(path)).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(path, e);
    }
  }

  private static List<Path> files(String folder, String ending) {
    try (var files = Files.list(root().resolve("recordings").resolve(folder))) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path root() {
    Path shared = shared();
    if (shared == null || !Files.isDirectory(shared.resolve("recordings"))) {
      return abort(
          "the recordings are absent: no ../shared/recordings beside the repository, and"
              + " -Dmeanwhile.shared does not name the folder that holds them");
    }
    return shared;
  }

  private static @Nullable Path shared() {
    String told = System.getProperty("meanwhile.shared");
    if (told != null) {
      return Path.of(told);
    }
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.isDirectory(at.resolve(".ci"))) {
        return at.resolveSibling("shared");
      }
    }
    return null;
  }
}
