package dev.meanwhile.app;

import java.io.IOException;
import java.util.List;
import org.apache.commons.cli.Option;
import org.jspecify.annotations.Nullable;

/// One command of the command line.
interface Command {
  /// The word after `meanwhile`.
  String name();

  /// What its help says first; the first line also stands in the list of all commands.
  List<String> description();

  /// What its help says about how it is called, after `meanwhile` and its name.
  default String synopsis() {
    return "[flags]";
  }

  /// What it takes beside its flags, and needs: its name, or null if it takes nothing.
  default @Nullable String argument() {
    return null;
  }

  /// Its flags, in the order in which help shows them.
  List<Option> flags();

  /// What its help says last.
  default List<String> footer() {
    return List.of();
  }

  /// Whether the list of commands has it.
  default boolean hidden() {
    return false;
  }

  /// Does it.
  ///
  /// @return the exit code
  int run(Given given) throws IOException;

  /// A flag with a value.
  static Option flag(String name, String placeholder, String description) {
    return Option.builder().longOpt(name).hasArg().argName(placeholder).desc(description).get();
  }
}
