package dev.meanwhile.server.config;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A text with `{{variables}}`. Immutable.
///
/// @param text as it was written
public record Template(String text) {
  /// What there is: an end's operation, id, status, and the link to it.
  static final List<String> VARIABLES = List.of("operation", "id", "status", "url");

  private static final Pattern VARIABLE = Pattern.compile("\\{\\{(.*?)}}", Pattern.DOTALL);

  /// Reads a template.
  ///
  /// @throws Wrong if it has another variable
  static Template parse(String text) {
    int number = 0;
    for (MatchResult each : VARIABLE.matcher(text).results().toList()) {
      number++;
      if (!VARIABLES.contains(each.group(1).strip())) {
        // Which is not said, since it may come from the environment.
        throw new Wrong("its {{…}} number " + number + " is none of them");
      }
    }
    return new Template(text);
  }

  /// The text with these values, of which there is one for each variable.
  public String with(Map<String, String> values) {
    return VARIABLE
        .matcher(text)
        .replaceAll(each ->
            Matcher.quoteReplacement(
                Objects.requireNonNull(values.get(each.group(1).strip()), each.group(1))));
  }
}
