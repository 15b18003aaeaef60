package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Meanwhile as a server that promises: with a credential of its own for the upstream, and room for
/// all that a benchmark gives it.
record Promising(Peer.Meanwhile meanwhile, Path work) {
  static Promising of(Options options, Path work) {
    return Peer.chosen(options).stream()
        .filter(Peer.Meanwhile.class::isInstance)
        .map(Peer.Meanwhile.class::cast)
        .findFirst()
        .map(meanwhile -> new Promising(meanwhile, work))
        .orElseThrow(
            () -> new IllegalStateException("There is no Meanwhile: mvn -q package -DskipTests"));
  }

  /// @param directory where its log goes and, unless flags say otherwise, its data
  /// @param background how many background calls it makes at once
  /// @param before words before the command, such as those that pin it to a core
  Server start(Path directory, int originPort, int background, List<String> flags, String... before)
      throws IOException {
    var file = directory.resolve("meanwhile.yaml");
    Files.writeString(
        file,
        """
        upstreams:
          default:
            base-url: http://127.0.0.1:%d/v1
            api-key: sk-benchmark
            max-background: %d
            max-queued: 10000000
        """
            .formatted(originPort, background));
    var port = Server.freePort();
    var all = new ArrayList<>(List.of("--config", file.toString()));
    all.addAll(List.of("--data", directory.resolve("data").toString(), "--max-runs", "1000000"));
    all.addAll(flags);
    var words = new ArrayList<>(List.of(before));
    words.addAll(meanwhile.command(port, all));
    return Server.start(
        meanwhile.title(), new Target(port, "prefer: respond-async\r\n"), words, directory);
  }

  Path directory(String name) throws IOException {
    return Files.createDirectories(work.resolve(name));
  }
}
