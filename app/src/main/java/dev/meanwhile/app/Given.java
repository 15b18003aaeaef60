package dev.meanwhile.app;

import dev.meanwhile.server.config.Suggestion;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.MissingArgumentException;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.apache.commons.cli.UnrecognizedOptionException;
import org.jspecify.annotations.Nullable;

/// The flags that a command was given.
final class Given {
  static final Option HELP =
      Option.builder("h").longOpt("help").desc("show this help and exit").get();
  static final Option VERSION =
      Option.builder("V").longOpt("version").desc("show the version and exit").get();

  private final Map<String, String> values;
  private final @Nullable String argument;
  private final boolean help;
  private final boolean version;

  private Given(
      Map<String, String> values, @Nullable String argument, boolean help, boolean version) {
    this.values = values;
    this.argument = argument;
    this.help = help;
    this.version = version;
  }

  /// @throws CannotRun if they are not as the command's flags say
  static Given parse(List<Option> flags, List<String> arguments) {
    return parse(flags, null, arguments);
  }

  /// The same of a command that takes one thing beside its flags.
  ///
  /// @param argument its name, or null if there is none
  static Given parse(List<Option> flags, @Nullable String argument, List<String> arguments) {
    var options = new Options();
    options.addOption(HELP);
    options.addOption(VERSION);
    flags.forEach(options::addOption);
    CommandLine line;
    try {
      line =
          DefaultParser.builder()
              .setAllowPartialMatching(false)
              .get()
              .parse(options, arguments.toArray(String[]::new));
    } catch (ParseException e) {
      throw new CannotRun(mistake(e, flags));
    }
    List<String> rest = line.getArgList();
    int taken = argument == null ? 0 : 1;
    if (rest.size() > taken) {
      throw new CannotRun(
          "'%s' does not belong here: all that is given is %sa flag, --name value."
              .formatted(rest.get(taken), argument == null ? "" : "one " + argument + " and "));
    }
    boolean help = line.hasOption(HELP);
    boolean version = line.hasOption(VERSION);
    if (rest.size() < taken && !help && !version) {
      throw new CannotRun("The %s is missing.".formatted(argument));
    }
    var values = new TreeMap<String, String>();
    for (Option each : line.getOptions()) {
      if (each.equals(HELP) || each.equals(VERSION)) {
        continue;
      }
      String value = each.hasArg() && each.getValue() != null ? each.getValue() : "true";
      if (values.putIfAbsent(each.getLongOpt(), value) != null) {
        throw new CannotRun("--%s is given twice.".formatted(each.getLongOpt()));
      }
    }
    return new Given(values, rest.isEmpty() ? null : rest.getFirst(), help, version);
  }

  private static String mistake(ParseException failure, List<Option> flags) {
    return switch (failure) {
      case MissingArgumentException missing ->
          "--%s needs a value: --%s <%s>."
              .formatted(
                  missing.getOption().getLongOpt(),
                  missing.getOption().getLongOpt(),
                  missing.getOption().getArgName());
      case UnrecognizedOptionException unknown -> unknown(unknown.getOption(), flags);
      default -> "The flags cannot be read: " + failure.getMessage();
    };
  }

  private static String unknown(String given, List<Option> flags) {
    String name = given.replaceFirst("^-+", "").replaceFirst("=.*$", "");
    return "There is no flag --"
        + name
        + "."
        + Suggestion.nearest(name, flags.stream().map(Option::getLongOpt).toList())
            .map(near -> " Did you mean --" + near + "?")
            .orElse("");
  }

  boolean help() {
    return help;
  }

  boolean version() {
    return version;
  }

  /// What was given beside the flags, or null.
  @Nullable String argument() {
    return argument;
  }

  /// Every flag that was given, by its name without its `--`; a switch given alone is `"true"`.
  Map<String, String> all() {
    return values;
  }

  /// The value of this flag, or null.
  @Nullable String text(String name) {
    return values.get(name);
  }

  /// The value of this flag, or `otherwise`.
  String text(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }

  /// The value of this flag, or `otherwise`.
  ///
  /// @throws CannotRun if it is no number from `least` to `most`
  long number(String name, long least, long most, long otherwise) {
    String value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    try {
      long number = Long.parseLong(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException _) {
      // It is told below.
    }
    throw new CannotRun(
        "--%s must be a number from %d to %d, and is '%s'.".formatted(name, least, most, value));
  }
}
