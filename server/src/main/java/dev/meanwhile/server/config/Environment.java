package dev.meanwhile.server.config;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The process's variables. Remembers which ones were asked for by name. For one thread.
final class Environment {
  private static final Pattern DOLLAR =
      Pattern.compile("\\$(?:\\$|\\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?})?");

  private final Map<String, String> variables;
  private final Set<String> used = new HashSet<>();

  Environment(Map<String, String> variables) {
    this.variables = variables;
  }

  Set<String> names() {
    return variables.keySet();
  }

  /// Whether somebody chose this name for a variable of their own.
  boolean used(String name) {
    return used.contains(name);
  }

  /// What a variable holds; null if it is not set, or empty.
  @Nullable String value(String name) {
    used.add(name);
    String value = variables.get(name);
    return value == null || value.isEmpty() ? null : value;
  }

  /// Replaces `${NAME}` and `${NAME:-default}` by what the variable holds, and `$$` by `$`.
  ///
  /// @return null if that cannot be done, which has then been told to `errors`
  @Nullable Text substitute(String raw, Place place, Errors errors) {
    Matcher matcher = DOLLAR.matcher(raw);
    StringBuilder text = new StringBuilder();
    boolean hidden = false;
    boolean failed = false;
    while (matcher.find()) {
      String name = matcher.group(1);
      String value = name == null ? null : value(name);
      String replacement = "";
      if (value != null) {
        replacement = value;
        hidden = true;
      } else if (matcher.group(2) != null) {
        replacement = matcher.group(2);
      } else if (matcher.group().equals("$$")) {
        replacement = "$";
      } else {
        failed = true;
        errors.add(place, problem(name));
      }
      matcher.appendReplacement(text, Matcher.quoteReplacement(replacement));
    }
    matcher.appendTail(text);
    return failed ? null : new Text(text.toString(), place, hidden);
  }

  private static String problem(@Nullable String name) {
    return name == null
        ? "a $ must begin a variable, as in ${NAME} or ${NAME:-default}; write $$ for the sign"
        : "the variable "
            + name
            + " is not set, or empty; set it, or give a default: ${"
            + name
            + ":-default}";
  }
}
