package dev.meanwhile.app;

import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.server.config.OptionInfo;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/// `meanwhile serve`: its flags are the table of the configuration's options.
final class ServeCommand implements Callable<Integer> {
  private static final String CONFIG = "config";
  private @Nullable CommandLine line;

  private ServeCommand() {}

  static CommandLine commandLine() {
    var command = new ServeCommand();
    CommandSpec spec = CommandSpec.wrapWithoutInspection(command);
    spec.name("serve").mixinStandardHelpOptions(true).versionProvider(new Version());
    spec.usageMessage()
        .description(
            "Starts the server between your applications and their AI APIs.",
            "A flag wins over its variable (MEANWHILE_PORT for --port), and that over the file.")
        .synopsisHeading("")
        .customSynopsis(
            "Usage: meanwhile serve --upstream <url> [--port <port>] [--data <dir>] [--config <file>] …",
            "")
        .sortOptions(false);
    spec.addOption(
        option(CONFIG, "<file>", "configuration file; see docs/configuration.md", "", false));
    for (OptionInfo each : ConfigReader.options()) {
      spec.addOption(
          option(
              each.name(),
              each.placeholder(),
              each.description(),
              each.defaultText(),
              each.isSwitch()));
    }
    var line = new CommandLine(spec);
    command.line = line;
    return line;
  }

  private static OptionSpec option(
      String name, String value, String description, String text, boolean flag) {
    return OptionSpec.builder("--" + name)
        .paramLabel(value)
        .type(String.class)
        .arity(flag ? "0..1" : "1")
        .fallbackValue(flag ? "true" : CommandLine.Option.NULL_VALUE)
        .description(text.isEmpty() ? description : description + " (default: " + text + ")")
        .build();
  }

  @Override
  public Integer call() {
    Map<String, String> flags = new HashMap<>();
    Path file = null;
    ParseResult result = Objects.requireNonNull(line).getParseResult();
    for (OptionSpec each : result.matchedOptions()) {
      String name = each.longestName().substring(2);
      String value = each.getValue();
      if (name.equals(CONFIG)) {
        file = Path.of(value);
      } else {
        flags.put(name, value);
      }
    }
    Config config = ConfigReader.read(file, flags, System.getenv());
    Server server = Server.start(config, System.getenv(), System.out, Data.of(config));
    PrintStream err = System.err;
    Banner.serving(err, config, server.port());
    Stopping.on(server::close, () -> err.println("Stopping: open streams may finish …"));
    return Stopping.await();
  }
}
