package dev.meanwhile.server.config;

import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import org.snakeyaml.engine.v2.exceptions.Mark;

/// Where something was written, for people.
///
/// @param source the order in which errors are told: file, variables, flags, all of it
/// @param line from 1; 0 where there are no lines
/// @param column from 1; 0 where there are no lines
/// @param text how an error about it begins
record Place(Source source, int line, int column, String text) implements Comparable<Place> {
  enum Source {
    FILE,
    VARIABLE,
    FLAG,
    ALL
  }

  private static final Comparator<Place> ORDER =
      Comparator.comparing(Place::source)
          .thenComparingInt(Place::line)
          .thenComparingInt(Place::column);

  static Place file(String file) {
    return new Place(Source.FILE, 0, 0, file);
  }

  /// A place in a file.
  ///
  /// @param line from 1
  /// @param column from 1
  static Place file(String file, int line, int column) {
    return new Place(Source.FILE, line, column, file + ":" + line + ":" + column);
  }

  /// Something in a file.
  ///
  /// @param subject the name of what is written there, such as `server.port`, or empty
  static Place file(String file, Optional<Mark> mark, String subject) {
    int line = mark.map(Mark::getLine).orElse(0) + 1;
    int column = mark.map(Mark::getColumn).orElse(0) + 1;
    String where = file + ":" + line + ":" + column;
    String text = subject.isEmpty() ? where : where + ": " + subject;
    return new Place(Source.FILE, line, column, text);
  }

  /// The same place, with the name of what is written there.
  Place about(String subject) {
    return new Place(source, line, column, text + ": " + subject);
  }

  /// The same, of a name in what is there.
  Place in(String name) {
    return new Place(source, line, column, text + "." + name);
  }

  static Place variable(String option) {
    return new Place(Source.VARIABLE, 0, 0, variableName(option));
  }

  static Place flag(String option) {
    return new Place(Source.FLAG, 0, 0, "--" + option);
  }

  /// For what is missing, which is nowhere.
  static Place nowhere(String subject) {
    return new Place(Source.ALL, 0, 0, subject);
  }

  static String variableName(String option) {
    return "MEANWHILE_" + option.replace('-', '_').toUpperCase(Locale.ROOT);
  }

  @Override
  public int compareTo(Place other) {
    return ORDER.compare(this, other);
  }
}
