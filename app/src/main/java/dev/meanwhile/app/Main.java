package dev.meanwhile.app;

import dev.meanwhile.server.StartFailure;
import dev.meanwhile.server.config.ConfigException;
import dev.meanwhile.store.StoreException;
import java.io.PrintWriter;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `meanwhile`: the command line.
@Command(
    name = "meanwhile",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description =
        "A gateway for AI APIs: change one base URL, and slow AI calls stop making users wait.",
    subcommands = {SimulateCommand.class, DemoCommand.class, KeyCommand.class, TrainCommand.class},
    footer = {
      "",
      "Begin with:",
      "  meanwhile demo",
      "  meanwhile serve --upstream https://api.openai.com/v1"
    })
public final class Main implements Runnable {
  /// Wrong flags, a wrong configuration, or a port that is taken.
  private static final int USAGE = 2;

  private static final Logger FLYWAY = Logger.getLogger("org.flywaydb");

  @Spec private CommandSpec spec = CommandSpec.create();

  public static void main(String[] args) {
    // One line per message; read by java.util.logging when it is first used.
    System.setProperty(
        "java.util.logging.SimpleFormatter.format", "%1$tFT%1$tT.%1$tL %4$s %3$s: %5$s%6$s%n");
    // Of a database that is as it should be there is nothing to tell. Kept, else it is collected.
    FLYWAY.setLevel(Level.WARNING);
    System.exit(run(args));
  }

  /// Runs one command.
  ///
  /// @return its exit code: 0, or 2 if what was asked cannot be done
  static int run(String... args) {
    var main = new CommandLine(new Main());
    main.addSubcommand(ServeCommand.commandLine());
    main.setExecutionExceptionHandler((failure, command, _) -> {
      PrintWriter err = command.getErr();
      if (failure instanceof ConfigException
          || failure instanceof StartFailure
          || failure instanceof StoreException
          || failure instanceof CannotRun) {
        err.println(failure.getMessage());
        err.flush();
        return USAGE;
      }
      throw failure;
    });
    return main.execute(args);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Which command? See below.");
  }
}
