package dev.meanwhile.server.config;

import java.util.Iterator;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

/// From characters to YAML nodes, without what a configuration has no use for: anchors, aliases,
/// tags, several documents, deep nesting.
final class YamlTree {
  private static final int MAX_DEPTH = 64;

  private final String file;
  private final Errors errors;
  private int depth;
  private int documents;

  private YamlTree(String file, Errors errors) {
    this.file = file;
    this.errors = errors;
  }

  /// Parses the text of a file.
  ///
  /// @return null if there is no tree to look at, which has then been told to `errors`
  static @Nullable Node read(String file, String text, Errors errors) {
    return new YamlTree(file, errors).read(text);
  }

  private @Nullable Node read(String text) {
    // Names that are no text are refused by Section, which can say where they are.
    LoadSettings settings =
        LoadSettings.builder().setLabel(file).setAllowNonScalarKeys(true).build();
    try {
      // First the events, which need no stack however deep the nesting, and show every anchor.
      for (Event event : new Parse(settings).parseString(text)) {
        check(event);
        if (depth > MAX_DEPTH) {
          errors.add(place(event), "is nested too deeply; expected at most 64 levels");
          return null;
        }
      }
      Iterator<Node> nodes = new Compose(settings).composeAllFromString(text).iterator();
      if (nodes.hasNext()) {
        return nodes.next();
      }
      errors.add(
          Place.file(file),
          "is empty; expected at least upstreams: {openai: {base-url: "
              + UpstreamOptions.EXAMPLE
              + "}}");
    } catch (MarkedYamlEngineException e) {
      errors.add(
          Place.file(file, e.getProblemMark(), ""),
          "this is not valid YAML: " + e.getProblem() + "; expected lines such as port: 8080");
    } catch (YamlEngineException _) {
      errors.add(Place.file(file), "is not valid YAML; expected lines such as port: 8080");
    }
    return null;
  }

  private void check(Event event) {
    switch (event) {
      case AliasEvent alias -> errors.add(place(alias), noAnchors("alias *", alias.getAlias()));
      case ScalarEvent scalar -> {
        checkAnchor(scalar);
        checkTag(scalar, scalar.getTag());
      }
      case CollectionStartEvent start -> {
        depth++;
        checkAnchor(start);
        checkTag(start, start.getTag());
      }
      case CollectionEndEvent _ -> depth--;
      case DocumentStartEvent start -> {
        documents++;
        if (documents == 2) {
          errors.add(place(start), "a second document begins here; expected one: remove the ---");
        }
      }
      default -> {}
    }
  }

  private void checkAnchor(NodeEvent event) {
    event.getAnchor().ifPresent(anchor -> errors.add(place(event), noAnchors("anchor &", anchor)));
  }

  private void checkTag(NodeEvent event, Optional<String> tag) {
    if (tag.isPresent()) {
      errors.add(place(event), "tags are not allowed; write the value without its !tag");
    }
  }

  private static String noAnchors(String what, Anchor anchor) {
    return "the "
        + what
        + anchor.getValue()
        + " is not allowed; write the value out wherever it is needed";
  }

  private Place place(Event event) {
    return Place.file(file, event.getStartMark(), "");
  }
}
