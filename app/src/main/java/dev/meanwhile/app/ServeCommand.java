package dev.meanwhile.app;

import dev.meanwhile.server.Server;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigException;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.server.config.CurrentConfig;
import dev.meanwhile.server.config.OptionInfo;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.commons.cli.Option;

/// `meanwhile serve`: its flags are the table of the configuration's options.
final class ServeCommand implements Command {
  private static final String CONFIG = "config";

  @Override
  public String name() {
    return "serve";
  }

  @Override
  public List<String> description() {
    return List.of(
        "Starts the server between your applications and their AI APIs.",
        "A flag wins over its variable (MEANWHILE_PORT for --port), and that over the file.");
  }

  @Override
  public String synopsis() {
    return "--upstream <url> [--port <port>] [--data <dir>] [--config <file>] …";
  }

  @Override
  public List<Option> flags() {
    var flags = new ArrayList<Option>();
    flags.add(Command.flag(CONFIG, "file", "configuration file; see docs/configuration.md"));
    flags.addAll(options());
    return flags;
  }

  /// The configuration's options as flags.
  static List<Option> options() {
    var flags = new ArrayList<Option>();
    for (OptionInfo each : ConfigReader.options()) {
      String placeholder = each.placeholder();
      Option flag =
          Command.flag(
              each.name(),
              placeholder.substring(1, placeholder.length() - 1),
              each.defaultText().isEmpty()
                  ? each.description()
                  : each.description() + " (default: " + each.defaultText() + ")");
      flag.setOptionalArg(each.isSwitch());
      flags.add(flag);
    }
    return flags;
  }

  @Override
  public int run(Given given) {
    Map<String, String> flags = new HashMap<>(given.all());
    String file = flags.remove(CONFIG);
    Path path = file == null ? null : Path.of(file);
    Supplier<Config> source = () -> ConfigReader.read(path, flags, System.getenv());
    Config config = source.get();
    var current = new CurrentConfig(config, source);
    PrintStream err = System.err;
    if (path != null) {
      // Without a file there is nothing to read anew, and a closed terminal ends the server. Before
      // anybody can know that it runs: until then the signal would end it.
      Hangup.does(() -> reload(current, err));
    }
    Server server = Server.start(current, System.getenv(), System.out, Data.of(config));
    Banner.serving(err, config, server.port());
    Stopping.on(server::close, () -> err.println("Stopping: open streams may finish …"));
    return Stopping.await();
  }

  private static void reload(CurrentConfig current, PrintStream err) {
    try {
      Config config = current.reload();
      err.println(
          "Reloaded: %d operations, %d keys."
              .formatted(config.operations().size(), config.keys().size()));
    } catch (ConfigException e) {
      err.println("Not reloaded, nothing was changed:\n" + e.getMessage());
    }
  }
}
