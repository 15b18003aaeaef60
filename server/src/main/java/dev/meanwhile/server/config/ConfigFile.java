package dev.meanwhile.server.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/// What the file says: its sections. For one thread.
final class ConfigFile {
  private static final List<String> SECTIONS =
      List.of("server", "keys", "upstreams", "operations", "mail");

  private final String file;
  private final SectionReader reader;
  private final Errors errors;

  private final Values server = new Values();
  private final List<Values> keys = new ArrayList<>();
  private final Map<String, Values> upstreams = new LinkedHashMap<>();
  private final Map<String, Operation> operations = new LinkedHashMap<>();
  private final Map<String, Place> notified = new LinkedHashMap<>();
  private final Map<String, Place> prefetched = new LinkedHashMap<>();
  private final Values mail = new Values();
  private @Nullable Place mailPlace;
  private boolean readable = true;

  private ConfigFile(String file, Environment environment, Errors errors) {
    this.file = file;
    this.reader = new SectionReader(file, environment, errors);
    this.errors = errors;
  }

  /// Reads a file.
  ///
  /// @param path null: there is no file, and so nothing is said
  static ConfigFile read(@Nullable Path path, Environment environment, Errors errors) {
    ConfigFile file = new ConfigFile(String.valueOf(path), environment, errors);
    if (path != null) {
      String text = YamlText.read(path, errors);
      Node root = text == null ? null : YamlTree.read(path.toString(), text, errors);
      file.readable = root != null;
      if (root != null) {
        file.readRoot(root);
      }
    }
    return file;
  }

  /// Whether enough was understood to say what is missing.
  boolean readable() {
    return readable;
  }

  /// The `server` section; the other layers are read over it.
  Values server() {
    return server;
  }

  /// One for each entry, also for those with mistakes.
  List<Values> keys() {
    return keys;
  }

  /// In the file's order; one for each entry, also for those with mistakes.
  Map<String, Values> upstreams() {
    return upstreams;
  }

  /// In the file's order; without those that have mistakes.
  Map<String, Operation> operations() {
    return operations;
  }

  /// Where operations say `notify`, by their names.
  Map<String, Place> notified() {
    return notified;
  }

  /// Where operations say `prefetch`, by their names.
  Map<String, Place> prefetched() {
    return prefetched;
  }

  /// The `mail` section.
  Values mail() {
    return mail;
  }

  /// Where that begins, or null if there is none.
  @Nullable Place mailPlace() {
    return mailPlace;
  }

  private void readRoot(Node root) {
    Section sections = Section.read(file, "", root, "server: {port: 8080}", errors);
    if (sections == null) {
      readable = false;
      return;
    }
    sections.refuseUnknown(SECTIONS, errors);
    sections.entries().forEach((name, entry) -> readSection(name, entry));
  }

  private void readSection(String name, Section.Entry entry) {
    Node node = entry.value();
    switch (name) {
      case "server" -> reader.read("server", node, "port: 8080", ServerOptions.ALL, server);
      case "keys" -> readKeys(node);
      case "upstreams" -> readUpstreams(node);
      case "operations" -> readOperations(node);
      case "mail" -> {
        mailPlace = entry.name().about("mail");
        reader.read("mail", node, "host: smtp.example.com", MailOptions.ALL, mail);
      }
      default -> {} // refused as unknown
    }
  }

  private void readKeys(Node node) {
    String fields = "{tenant: shop, sha256: 9f86…}";
    if (!(node instanceof SequenceNode sequence)) {
      Place place = Place.file(file, node.getStartMark(), "keys");
      errors.add(place, "expected a list of keys, such as [" + fields + "]");
      keys.add(new Values()); // so that nobody says there is none
      return;
    }
    Map<Sha256, Place> seen = new HashMap<>();
    for (Node element : sequence.getValue()) {
      Values values = new Values();
      reader.read("keys[" + keys.size() + "]", element, fields, KeyOptions.ALL, values);
      keys.add(values);
      values.place(KeyOptions.SHA256).ifPresent(place -> refuseTwin(values, place, seen));
    }
  }

  private void refuseTwin(Values values, Place place, Map<Sha256, Place> seen) {
    Place before = seen.putIfAbsent(values.get(KeyOptions.SHA256), place);
    if (before != null) {
      errors.add(place, "duplicate key; line " + before.line() + " has it already: keep one");
    }
  }

  private void readUpstreams(Node node) {
    String fields = "base-url: " + UpstreamOptions.EXAMPLE;
    Section section = Section.read(file, "upstreams", node, "openai: {" + fields + "}", errors);
    if (section == null) {
      upstreams.put("", new Values()); // so that nobody says there is none
      return;
    }
    section
        .entries()
        .forEach((name, entry) -> {
          UpstreamOptions.NAME.read(new Text(name, entry.name(), false), errors);
          Values values = new Values();
          reader.read(section.path(name), entry.value(), fields, UpstreamOptions.ALL, values);
          upstreams.put(name, values);
        });
  }

  private void readOperations(Node node) {
    String example = "summary: " + OperationOptions.EXAMPLE;
    Section section = Section.read(file, "operations", node, example, errors);
    if (section != null) {
      section
          .entries()
          .forEach((name, entry) -> {
            OperationOptions.NAME.read(new Text(name, entry.name(), false), errors);
            Operation read =
                OperationReader.read(
                    name, section.path(name), entry.value(), reader, notified, prefetched);
            if (read != null) {
              operations.put(name, read);
            }
          });
    }
  }
}
