package dev.meanwhile.server.config;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The layers over the file: variables, and over them flags.
final class Layers {
  /// Variables that the launcher reads.
  private static final Set<String> LAUNCHER =
      Set.of("MEANWHILE_HOME", "MEANWHILE_JAVA", "MEANWHILE_JAVA_OPTS");

  /// Every option that has a flag and a variable.
  static final List<Option<?>> OPTIONS =
      Stream.concat(UpstreamOptions.FLAGS.stream(), ServerOptions.ALL.stream()).toList();

  private Layers() {}

  /// Reads the variables. Do so after all that uses variables of the user's own.
  static void readVariables(Environment environment, Values values, Errors errors) {
    for (Option<?> option : OPTIONS) {
      Place place = Place.variable(option.name());
      if (environment.names().contains(place.text())) {
        String value = environment.value(place.text());
        values.read(option, new Text(value == null ? "" : value, place, true), errors);
      }
    }
  }

  /// Tells `errors` of variables that look like ours and are not.
  static void refuseUnknownVariables(Environment environment, Errors errors) {
    List<String> known = OPTIONS.stream().map(o -> Place.variableName(o.name())).toList();
    for (String name : new TreeSet<>(environment.names())) {
      boolean ours = name.startsWith("MEANWHILE_") && !LAUNCHER.contains(name);
      if (ours && !known.contains(name) && !environment.used(name)) {
        String option = name.substring("MEANWHILE_".length());
        String advice =
            Suggestion.nearest(option, names())
                .map(near -> "did you mean " + Place.variableName(near) + "?")
                .orElse("remove it, or choose a name without MEANWHILE_");
        errors.add(new Place(Place.Source.VARIABLE, 0, 0, name), "unknown variable; " + advice);
      }
    }
  }

  static void readFlags(Map<String, String> flags, Values values, Errors errors) {
    new TreeMap<>(flags)
        .forEach((name, value) -> {
          Place place = Place.flag(name);
          Option<?> option =
              OPTIONS.stream().filter(o -> o.name().equals(name)).findFirst().orElse(null);
          if (option == null) {
            String advice =
                Suggestion.nearest(name, names())
                    .map(near -> "did you mean --" + near + "?")
                    .orElse("see --help");
            errors.add(place, "unknown flag; " + advice);
          } else {
            values.read(option, new Text(value, place, false), errors);
          }
        });
  }

  private static List<String> names() {
    return OPTIONS.stream().map(Option::name).toList();
  }
}
