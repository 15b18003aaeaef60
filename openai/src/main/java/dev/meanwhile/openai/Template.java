package dev.meanwhile.openai;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A text with holes: `{{name}}` is one, `{{{{` stands for two braces. What fills a hole is never
/// looked at again, whatever it holds. Immutable.
public final class Template {
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_-]{0,63}");
  private static final String OPEN = "{{";
  private static final String CLOSE = "}}";

  /// A part of a template.
  sealed interface Part {
    /// What stands there as it is.
    record Literal(String text) implements Part {}

    /// What is filled in.
    record Hole(String name) implements Part {}
  }

  private final List<Part> parts;

  private Template(List<Part> parts) {
    this.parts = List.copyOf(parts);
  }

  /// Reads a template.
  ///
  /// @throws IllegalArgumentException if it is none; the message says why and does not repeat it
  public static Template of(String text) {
    var parts = new ArrayList<Part>();
    var literal = new StringBuilder();
    int at = 0;
    for (int open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, at)) {
      literal.append(text, at, open);
      if (text.startsWith(OPEN, open + 2)) {
        literal.append(OPEN);
        at = open + 4;
        continue;
      }
      int close = text.indexOf(CLOSE, open);
      String name = close < 0 ? "" : text.substring(open + 2, close).strip();
      if (!NAME.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "{{ must begin a variable of 1 to 64 letters, digits, _ or -, as in {{text}}; for the"
                + " braces themselves write {{{{");
      }
      if (!literal.isEmpty()) {
        parts.add(new Part.Literal(literal.toString()));
        literal.setLength(0);
      }
      parts.add(new Part.Hole(name));
      at = close + 2;
    }
    literal.append(text, at, text.length());
    if (!literal.isEmpty()) {
      parts.add(new Part.Literal(literal.toString()));
    }
    return new Template(parts);
  }

  /// The names of its holes, in their order.
  public Set<String> variables() {
    return new LinkedHashSet<>(holes());
  }

  /// The same, each as often as it stands there.
  public List<String> holes() {
    return parts.stream()
        .filter(Part.Hole.class::isInstance)
        .map(it -> ((Part.Hole) it).name)
        .toList();
  }

  /// The text with these values, of which there is one for each variable.
  public String with(Map<String, String> values) {
    var text = new StringBuilder();
    for (Part part : parts) {
      switch (part) {
        case Part.Literal literal -> text.append(literal.text);
        case Part.Hole hole ->
            text.append(Objects.requireNonNull(values.get(hole.name), hole.name));
      }
    }
    return text.toString();
  }

  List<Part> parts() {
    return parts;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Template template && parts.equals(template.parts);
  }

  @Override
  public int hashCode() {
    return parts.hashCode();
  }

  @Override
  public String toString() {
    return parts.toString();
  }
}
