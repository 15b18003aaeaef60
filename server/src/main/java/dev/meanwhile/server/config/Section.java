package dev.meanwhile.server.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/// A mapping of the file: names and what is under them.
///
/// @param path where it is: `upstreams.openai`, or empty for the whole file
/// @param place of its beginning
/// @param entries by name, in the file's order, without duplicates
record Section(String path, Place place, Map<String, Entry> entries) {

  /// A name and what is under it.
  ///
  /// @param name where the name is written
  /// @param value what is under it
  record Entry(Place name, Node value) {}

  /// Reads a node that must be a mapping.
  ///
  /// @param example of what should be there
  /// @return null if it is none, which has then been told to `errors`
  static @Nullable Section read(
      String file, String path, Node node, String example, Errors errors) {
    Place place = Place.file(file, node.getStartMark(), path);
    Map<String, Entry> entries = new LinkedHashMap<>();
    if (!(node instanceof MappingNode mapping)) {
      errors.add(place, "expected names and values, such as " + example);
      return null;
    }
    for (NodeTuple tuple : mapping.getValue()) {
      Place at = Place.file(file, tuple.getKeyNode().getStartMark(), path);
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        errors.add(at, "expected a name before the colon, such as " + example);
        continue;
      }
      Entry before = entries.putIfAbsent(key.getValue(), new Entry(at, tuple.getValueNode()));
      if (before != null) {
        String lines = "; line " + before.name().line() + " has it already: keep one";
        errors.add(at, "duplicate name " + Errors.quote(key.getValue()) + lines);
      }
    }
    return new Section(path, place, entries);
  }

  /// Tells `errors` of every name that is not known here.
  void refuseUnknown(List<String> known, Errors errors) {
    entries.forEach((name, entry) -> {
      if (!known.contains(name)) {
        errors.add(entry.name(), "unknown name " + Errors.quote(name) + advice(name, known));
      }
    });
  }

  private String advice(String name, List<String> known) {
    boolean misplaced =
        path.isEmpty() && ServerOptions.ALL.stream().anyMatch(o -> o.name().equals(name));
    if (misplaced) {
      return "; did you mean 'server." + name + "'?";
    }
    return Suggestion.nearest(name, known)
        .map(near -> "; did you mean '" + near + "'?")
        .orElseGet(() -> "; expected one of " + String.join(", ", known));
  }

  /// The path of something in this section.
  String path(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}
