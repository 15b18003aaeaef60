package dev.meanwhile.server.kit;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What real providers sent. It lies beside the repository, or where `-Dmeanwhile.shared` says; a
/// test that needs it is skipped where it is absent.
public final class Recordings {
  private Recordings() {}

  /// The recorded chat streams: one payload a line.
  public static List<Path> streams() {
    return files("chat", ".chunks.txt");
  }

  /// The recorded plain answers.
  public static List<Path> answers() {
    return files("chat", ".json");
  }

  /// The recorded streams of the Responses API: one payload a line.
  public static List<Path> responseStreams() {
    return files("responses", ".chunks.txt");
  }

  /// The recorded plain answers of the Responses API.
  public static List<Path> responseAnswers() {
    return files("responses", ".json");
  }

  /// A recorded stream as its provider sent it.
  public static String asSent(Path file) throws IOException {
    var out = new StringBuilder();
    for (String payload : Files.readAllLines(file)) {
      if (!payload.isBlank()) {
        out.append("data: ").append(payload).append("\n\n");
      }
    }
    return out.append("data: [DONE]\n\n").toString();
  }

  private static List<Path> files(String api, String ending) {
    Path folder = root().resolve("recordings").resolve(api);
    try (var files = Files.list(folder)) {
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
