package dev.meanwhile.server.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/// Reads `prefetch` of an entry of `operations`. For one thread.
final class PrefetchReader {
  private static final String EXAMPLE = "over: {category: [shoes, books]}";

  /// Answers last nine tenths of `max-age` at least, and less than a second is nothing to plan by.
  private static final Duration SHORTEST = Duration.ofSeconds(2);

  private final SectionReader reader;
  private final Errors errors;
  private final Values values = new Values();
  private final Map<String, List<String>> lists = new LinkedHashMap<>();
  private final Map<String, URI> sources = new LinkedHashMap<>();
  private final Map<String, Place> places = new LinkedHashMap<>();
  private @Nullable URI whole;
  private @Nullable Section section;
  private @Nullable Place overPlace;

  PrefetchReader(SectionReader reader) {
    this.reader = reader;
    this.errors = reader.errors();
  }

  void read(String path, Node node) {
    section = reader.read(path, node, EXAMPLE, OperationOptions.OF_PREFETCH, values);
    Section.Entry over =
        section == null ? null : section.entries().get(OperationOptions.OVER.name());
    if (section != null && over != null) {
      overPlace = over.name().in(OperationOptions.OVER.name());
      readOver(section.path(OperationOptions.OVER.name()), over.value());
    }
  }

  private void readOver(String path, Node node) {
    if (node instanceof ScalarNode) {
      whole = source(path, node);
      return;
    }
    Section over = Section.read(reader.file(), path, node, "category: [shoes, books]", errors);
    if (over == null) {
      return;
    }
    over.entries()
        .forEach((variable, entry) -> {
          places.put(variable, entry.name().in(variable));
          String at = over.path(variable);
          if (!(entry.value() instanceof SequenceNode sequence)) {
            URI source = source(at, entry.value());
            if (source != null) {
              sources.put(variable, source);
            }
            return;
          }
          var values = new LinkedHashSet<String>();
          for (Node element : sequence.getValue()) {
            Text json = reader.json(at, element);
            if (json != null) {
              values.add(json.value());
            }
          }
          if (sequence.getValue().isEmpty()) {
            errors.add(
                reader.place(at, sequence),
                "expected values, such as [shoes, books], but found none");
          }
          lists.put(variable, List.copyOf(values));
        });
  }

  /// Where values come from, or null if it is not right, which has then been told.
  private @Nullable URI source(String path, Node node) {
    Text text = reader.scalar(Types.TEXT, path, node);
    if (text == null) {
      return null;
    }
    if (text.value().startsWith("http://") || text.value().startsWith("https://")) {
      try {
        URI url = URI.create(text.value());
        if (url.getHost() != null) {
          return url;
        }
      } catch (IllegalArgumentException _) {
        // As one without a host.
      }
      errors.add(
          text.place(), "expected a URL such as https://shop.example.com/categories.csv here");
      return null;
    }
    Path beside = Path.of(reader.file()).toAbsolutePath().getParent();
    return (beside == null ? Path.of(text.value()) : beside.resolve(text.value()))
        .normalize()
        .toUri();
  }

  /// Tells what is wrong with it as a part of its operation.
  ///
  /// @param variables of the prompt
  void check(Set<String> variables, Values cache, boolean asks) {
    if (section == null) {
      return;
    }
    Place place = section.place();
    if (!cache.written(OperationOptions.MAX_AGE) || !asks) {
      errors.add(
          place,
          "makes answers that are kept: write prompt and cache too, such as cache: {max-age: 24h}");
      return;
    }
    Duration maxAge = cache.find(OperationOptions.MAX_AGE);
    if (maxAge != null && maxAge.compareTo(SHORTEST) < 0) {
      errors.add(place, "needs a cache.max-age of 2s or more");
    }
    if (cache.get(OperationOptions.SHARE) == CachePolicy.Share.USER) {
      errors.add(
          place,
          "makes answers for all of a tenant, and cache.share: user keeps them apart; remove one of"
              + " them");
    }
    boolean learns = values.get(OperationOptions.LEARN);
    if (overPlace == null && !learns) {
      errors.add(
          place, "says of nothing that it is to be made: write " + EXAMPLE + ", or learn: true");
    }
    if (learns && !values.written(OperationOptions.TOKENS_PER_HOUR)) {
      errors.add(
          at(OperationOptions.LEARN),
          "spends what nobody has asked for: say how much, such as tokens-per-hour: 200k");
    }
    for (Option<?> option : List.of(OperationOptions.MIN_PROBABILITY, OperationOptions.WASTE_MAX)) {
      if (!learns && values.written(option)) {
        errors.add(at(option), "goes with learn: true; write that too, or neither");
      }
    }
    for (Option<?> option : List.of(OperationOptions.AT, OperationOptions.TENANTS)) {
      if (overPlace == null && values.written(option)) {
        errors.add(at(option), "goes with over, which is missing; write that too, or neither");
      }
    }
    if (overPlace != null) {
      checkOver(overPlace, variables);
    }
  }

  private void checkOver(Place place, Set<String> variables) {
    if (whole != null) {
      variables.forEach(each -> sources.put(each, whole));
    }
    places.forEach((name, at) -> {
      if (!variables.contains(name)) {
        errors.add(
            at,
            Errors.quote(name)
                + " is no variable of the prompt"
                + Suggestion.nearest(name, variables)
                    .map(near -> "; did you mean '" + near + "'?")
                    .orElse("; write {{" + name + "}} there, or remove it"));
      }
    });
    if (whole == null) {
      List<String> missing = variables.stream().filter(each -> !places.containsKey(each)).toList();
      if (!missing.isEmpty()) {
        errors.add(
            place,
            "has no values of "
                + String.join(", ", missing)
                + ", which the prompt needs; one value will do, such as [shoes]");
      }
    }
    long combinations = 1;
    for (List<String> each : lists.values()) {
      combinations = Math.min(Over.MOST + 1L, combinations * Math.max(1, each.size()));
    }
    if (combinations > Over.MOST) {
      errors.add(place, "has more than %,d combinations, the most".formatted(Over.MOST));
    }
    new LinkedHashSet<>(sources.values())
        .stream()
            .filter(each -> "file".equals(each.getScheme()))
            .forEach(each -> checkFile(each, place));
  }

  private void checkFile(URI file, Place over) {
    List<String> wanted = new ArrayList<>();
    sources.forEach((name, source) -> {
      if (source.equals(file)) {
        wanted.add(name);
      }
    });
    Place place = places.getOrDefault(wanted.getFirst(), over);
    try {
      Table.in(file).columns(wanted);
    } catch (IllegalArgumentException e) {
      errors.add(place, Path.of(file) + ": " + e.getMessage());
    }
  }

  private Place at(Option<?> option) {
    Section its = Objects.requireNonNull(section);
    Section.Entry entry = its.entries().get(option.name());
    return entry == null ? its.place() : entry.name().in(option.name());
  }

  /// Where it begins, or null if there is none.
  @Nullable Place place() {
    return section == null ? null : section.place();
  }

  /// What was read; null if there is none.
  @Nullable PrefetchPolicy policy() {
    return section == null
        ? null
        : new PrefetchPolicy(
            overPlace == null ? null : new Over(lists, sources),
            values.find(OperationOptions.AT),
            values.get(OperationOptions.LEARN),
            values.get(OperationOptions.MIN_PROBABILITY),
            values.find(OperationOptions.TOKENS_PER_HOUR),
            values.get(OperationOptions.WASTE_MAX),
            values.find(OperationOptions.TENANTS));
  }
}
