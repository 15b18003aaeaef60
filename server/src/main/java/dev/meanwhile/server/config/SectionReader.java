package dev.meanwhile.server.config;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/// Reads the options of sections of the file. For one thread.
///
/// @param file how errors call it
record SectionReader(String file, Environment environment, Errors errors) {

  /// Reads one section by its table.
  ///
  /// @param example of what should be there
  /// @return null if the node is no section, which has then been told
  @Nullable Section read(
      String path, Node node, String example, List<Option<?>> options, Values values) {
    Section section = Section.read(file, path, node, example, errors);
    if (section == null) {
      return null;
    }
    section.refuseUnknown(options.stream().map(Option::name).toList(), errors);
    for (Option<?> option : options) {
      Section.Entry entry = section.entries().get(option.name());
      if (entry != null) {
        readOption(option, section.path(option.name()), entry.value(), values);
      } else if (option.required()) {
        String wanted = option.name() + " is missing: " + option.type().wanted();
        errors.add(section.place(), wanted);
      }
    }
    return section;
  }

  private void readOption(Option<?> option, String path, Node node, Values values) {
    Type<?> type = option.type();
    Text text =
        switch (type.shape()) {
          case SCALAR -> scalar(type, path, node);
          case LIST -> list(option, path, node);
          case JSON -> json(path, node);
          case NESTED -> null;
        };
    if (text == null) {
      values.spoilt(option);
    } else {
      values.read(option, text, errors);
    }
  }

  /// A list, as the text a flag would give; each element is read alone first, so that a mistake is
  /// told where it is.
  ///
  /// @return null if there is no element, or one that is wrong
  private @Nullable Text list(Option<?> option, String path, Node node) {
    Type<?> type = option.type();
    if (!(node instanceof SequenceNode sequence)) {
      return scalar(type, path, node);
    }
    if (sequence.getValue().isEmpty() && option.required()) {
      errors.add(place(path, node), type.wanted() + ", but the list is empty");
    }
    List<String> elements = new ArrayList<>();
    for (Node element : sequence.getValue()) {
      Text text = scalar(type, path, element);
      if (text != null && type.read(text, errors) != null) {
        elements.add(text.value());
      }
    }
    if (elements.isEmpty() || elements.size() < sequence.getValue().size()) {
      return null;
    }
    return new Text(String.join(",", elements), place(path, node), false);
  }

  /// A single value as it is written, with variables replaced.
  ///
  /// @return null if it is none, which has then been told
  @Nullable Text scalar(Type<?> type, String path, Node node) {
    Place place = place(path, node);
    if (!(node instanceof ScalarNode scalar)) {
      errors.add(place, type.wanted() + ", but found a list or a group of names");
      return null;
    }
    if (scalar.isPlain() && scalar.getTag().equals(Tag.NULL)) {
      errors.add(place, type.wanted() + ", but found no value");
      return null;
    }
    return environment.substitute(scalar.getValue(), place, errors);
  }

  Place place(String path, Node node) {
    return Place.file(file, node.getStartMark(), path);
  }

  /// What a node stands for, as JSON: what is not in quotes may be a number, true, false or null.
  @Nullable Text json(String path, Node node) {
    var out = new StringBuilder();
    return json(path, node, out) ? new Text(out.toString(), place(path, node), false) : null;
  }

  private boolean json(String path, Node node, StringBuilder out) {
    return switch (node) {
      case MappingNode mapping -> {
        Section section = Section.read(file, path, mapping, "type: object", errors);
        boolean right = section != null;
        String before = "{";
        if (section != null) {
          for (var entry : section.entries().entrySet()) {
            out.append(before).append(JsonScalars.quoted(entry.getKey())).append(':');
            right &= json(section.path(entry.getKey()), entry.getValue().value(), out);
            before = ",";
          }
        }
        out.append(before.equals("{") ? "{}" : "}");
        yield right;
      }
      case SequenceNode sequence -> {
        boolean right = true;
        String before = "[";
        for (Node element : sequence.getValue()) {
          out.append(before);
          right &= json(path, element, out);
          before = ",";
        }
        out.append(before.equals("[") ? "[]" : "]");
        yield right;
      }
      case ScalarNode scalar -> {
        Place place = place(path, node);
        Text text = environment.substitute(scalar.getValue(), place, errors);
        boolean plain = scalar.isPlain();
        String json = text == null ? null : JsonScalars.of(text.value(), plain);
        if (text != null && json == null) {
          errors.add(
              place, "expected a number as JSON writes it, such as 0.5, or a text in quotes");
        }
        out.append(json);
        yield json != null;
      }
      default -> throw new IllegalStateException("aliases are refused before");
    };
  }
}
