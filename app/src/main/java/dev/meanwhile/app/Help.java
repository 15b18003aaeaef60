package dev.meanwhile.app;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.cli.Option;

/// What `--help` prints, for a terminal of 80 columns. Commons CLI's own pages would be a table
/// whose columns leave no room for what the flags do.
final class Help {
  private static final int WIDTH = 80;
  private static final int FLAG_COLUMN = 28;
  private static final int COMMAND_COLUMN = 12;

  private final PrintStream out;

  private Help(PrintStream out) {
    this.out = out;
  }

  /// Of one command.
  static void of(Command command, PrintStream out) {
    var help = new Help(out);
    out.println("Usage: meanwhile " + command.name() + " " + command.synopsis());
    out.println();
    command.description().forEach(line -> help.wrapped("", 0, line));
    out.println();
    var flags = new ArrayList<>(command.flags());
    flags.add(Given.HELP);
    flags.add(Given.VERSION);
    flags.forEach(help::flag);
    if (!command.footer().isEmpty()) {
      out.println();
      command.footer().forEach(out::println);
    }
  }

  /// Of all commands.
  static void of(List<Command> commands, PrintStream out) {
    var help = new Help(out);
    out.println("Usage: meanwhile <command> [flags]");
    out.println();
    help.wrapped(
        "",
        0,
        "A gateway for AI APIs: change one base URL, and slow AI calls stop making users wait.");
    out.println();
    for (Command each : commands) {
      if (!each.hidden()) {
        help.wrapped("  " + each.name(), COMMAND_COLUMN, each.description().getFirst());
      }
    }
    out.println();
    help.flag(Given.HELP);
    help.flag(Given.VERSION);
    out.println();
    out.println("Begin with:");
    out.println("  meanwhile demo");
    out.println("  meanwhile serve --upstream https://api.openai.com/v1");
  }

  private void flag(Option flag) {
    String letter = flag.getOpt() == null ? "    " : "-" + flag.getOpt() + ", ";
    String value = "";
    if (flag.hasArg()) {
      value = flag.hasOptionalArg() ? "[=<%s>]" : " <%s>";
      value = value.formatted(flag.getArgName());
    }
    wrapped("  " + letter + "--" + flag.getLongOpt() + value, FLAG_COLUMN, flag.getDescription());
  }

  /// Prints `text` from `column` on, on as many lines as it needs, after `start`.
  private void wrapped(String start, int column, String text) {
    var line = new StringBuilder(start);
    if (column > 0 && line.length() + 2 > column) {
      out.println(line);
      line.setLength(0);
    }
    line.repeat(' ', column - line.length());
    for (String word : text.split(" ", -1)) {
      if (line.length() > column && line.length() + 1 + word.length() > WIDTH) {
        out.println(line);
        line.setLength(0);
        line.repeat(' ', column);
      }
      if (line.length() > column) {
        line.append(' ');
      }
      line.append(word);
    }
    out.println(line);
  }
}
