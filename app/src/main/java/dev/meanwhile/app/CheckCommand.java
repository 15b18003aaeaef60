package dev.meanwhile.app;

import dev.meanwhile.server.config.ConfigReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.apache.commons.cli.Option;

/// `meanwhile check`: whether `serve` would start with a configuration.
final class CheckCommand implements Command {
  @Override
  public String name() {
    return "check";
  }

  @Override
  public List<String> description() {
    return List.of(
        "Tells whether a configuration file is valid, or all that is wrong with it.",
        "Reads it as `serve` does, with the same variables and flags, and starts nothing.",
        "Exits with 0 if it is valid, else with 2.");
  }

  @Override
  public String synopsis() {
    return "<file> [flags of serve]";
  }

  @Override
  public String argument() {
    return "file";
  }

  @Override
  public List<Option> flags() {
    return ServeCommand.options();
  }

  @Override
  public int run(Given given) {
    String file = Objects.requireNonNull(given.argument());
    ConfigReader.read(Path.of(file), given.all(), System.getenv());
    System.out.println(file + " is valid");
    return 0;
  }
}
