package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// A configuration file with some content, for tests. Give it a directory of the test's own.
record Written(Path file) {
  static Written in(Path directory, String yaml) {
    return in(directory, yaml.getBytes(StandardCharsets.UTF_8));
  }

  static Written in(Path directory, byte[] bytes) {
    try {
      return new Written(Files.write(directory.resolve("m.yaml"), bytes));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Config read() {
    return ConfigReader.read(file, Map.of(), Map.of());
  }

  Config read(Map<String, String> flags, Map<String, String> environment) {
    return ConfigReader.read(file, flags, environment);
  }

  List<String> errors() {
    return errors(Map.of(), Map.of());
  }

  /// The mistakes, with the file's name alone instead of its path.
  List<String> errors(Map<String, String> flags, Map<String, String> environment) {
    ConfigException exception =
        catchThrowableOfType(ConfigException.class, () -> read(flags, environment));
    if (exception == null) {
      throw new AssertionError("the configuration was accepted");
    }
    return exception.errors().stream().map(e -> e.replace(file.toString(), "m.yaml")).toList();
  }
}
