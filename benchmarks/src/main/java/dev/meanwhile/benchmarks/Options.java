package dev.meanwhile.benchmarks;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The words after the command, `--name=value` or `--quick`, as `benchmarks/common.sh` puts them
/// together.
record Options(Map<String, String> values) {
  private static final Set<String> NAMES =
      Set.of(
          "quick",
          "nginx",
          "portkey",
          "meanwhile",
          "jvm",
          "cache",
          "revision",
          "record",
          "work",
          "callers",
          "runs",
          "rate",
          "stored",
          "trace",
          "command");

  static Options parse(List<String> words) {
    var values = new HashMap<String, String>();
    for (var word : words) {
      var name = word.replaceFirst("=.*", "").replaceFirst("^--", "");
      if (!NAMES.contains(name)) {
        throw new IllegalArgumentException("Unknown option " + word + "; known are " + NAMES);
      }
      values.put(name, word.contains("=") ? word.substring(word.indexOf('=') + 1) : "");
    }
    return new Options(Map.copyOf(values));
  }

  boolean quick() {
    return values.containsKey("quick");
  }

  Optional<Path> path(String name) {
    return Optional.ofNullable(values.get(name)).map(value -> Path.of(value).toAbsolutePath());
  }

  int number(String name, int usual) {
    var text = values.get(name);
    return text == null ? usual : Integer.parseInt(text);
  }

  String text(String name) {
    return values.getOrDefault(name, "unknown");
  }
}
