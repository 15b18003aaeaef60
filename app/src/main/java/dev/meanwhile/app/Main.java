package dev.meanwhile.app;

import dev.meanwhile.server.StartFailure;
import dev.meanwhile.server.config.ConfigException;
import dev.meanwhile.server.config.Suggestion;
import dev.meanwhile.store.StoreException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/// `meanwhile`: the command line.
public final class Main {
  /// Wrong flags, a wrong configuration, or a port that is taken.
  private static final int USAGE = 2;

  /// Libraries that tell of what is as it should be.
  private static final List<Logger> QUIET =
      List.of(Logger.getLogger("org.flywaydb"), Logger.getLogger("com.github.kagkarlsson"));

  private static final List<Command> COMMANDS =
      List.of(
          new DemoCommand(),
          new ServeCommand(),
          new CheckCommand(),
          new SimulateCommand(),
          new KeyCommand(),
          new TrainCommand());

  private Main() {}

  public static void main(String[] args) throws IOException {
    // One line per message; read by java.util.logging when it is first used.
    System.setProperty(
        "java.util.logging.SimpleFormatter.format", "%1$tFT%1$tT.%1$tL %4$s %3$s: %5$s%6$s%n");
    QUIET.forEach(logger -> logger.setLevel(Level.WARNING));
    System.exit(run(args));
  }

  /// Runs one command.
  ///
  /// @return its exit code: 0, or 2 if what was asked cannot be done
  static int run(String... args) throws IOException {
    String first = args.length == 0 ? "" : args[0];
    Command command =
        COMMANDS.stream().filter(each -> each.name().equals(first)).findFirst().orElse(null);
    try {
      if (command != null) {
        return run(command, Arrays.asList(args).subList(1, args.length));
      }
      return withoutCommand(args);
    } catch (CannotRun | ConfigException | StartFailure | StoreException e) {
      System.err.println(e.getMessage());
      return USAGE;
    }
  }

  private static int run(Command command, List<String> arguments) throws IOException {
    Given given;
    try {
      given = Given.parse(command.flags(), command.argument(), arguments);
    } catch (CannotRun e) {
      throw new CannotRun(e.getMessage() + " See: meanwhile " + command.name() + " --help");
    }
    if (given.help()) {
      Help.of(command, System.out);
      return 0;
    }
    return given.version() ? version() : command.run(given);
  }

  private static int withoutCommand(String... args) throws IOException {
    if (args.length > 0 && !args[0].startsWith("-")) {
      throw new CannotRun(
          "There is no command '%s'.%s See: meanwhile --help"
              .formatted(
                  args[0],
                  Suggestion.nearest(args[0], COMMANDS.stream().map(Command::name).toList())
                      .map(near -> " Did you mean '" + near + "'?")
                      .orElse("")));
    }
    Given given = Given.parse(List.of(), List.of(args));
    if (given.version()) {
      return version();
    }
    Help.of(COMMANDS, given.help() ? System.out : System.err);
    return given.help() ? 0 : USAGE;
  }

  private static int version() {
    System.out.println("meanwhile " + Version.text());
    return 0;
  }
}
