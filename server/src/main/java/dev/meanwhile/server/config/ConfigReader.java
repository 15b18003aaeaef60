package dev.meanwhile.server.config;

import dev.meanwhile.openai.ChatTemplate;
import java.net.URI;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads the configuration: a flag wins over a `MEANWHILE_*` variable, that over the file, that
/// over the default. Every layer is checked, also where a higher one wins.
public final class ConfigReader {
  private static final String PEM = "give the PEM file with ";

  private final Errors errors = new Errors();
  private final Environment environment;
  private final ConfigFile file;
  private final Values values;

  private ConfigReader(@Nullable Path path, Map<String, String> variables) {
    environment = new Environment(variables);
    file = ConfigFile.read(path, environment, errors);
    values = file.server();
  }

  /// Reads and validates the whole configuration. For tests, `read(null, Map.of("upstream", url,
  /// "port", "0"), Map.of())` gives the defaults.
  ///
  /// @param file the YAML file; null: none
  /// @param flags values by the flag's name without its `--`; a switch given alone is `"true"`
  /// @param environment the process's variables
  /// @throws ConfigException with all mistakes that were found
  public static Config read(
      @Nullable Path file, Map<String, String> flags, Map<String, String> environment) {
    return new ConfigReader(file, environment).read(flags);
  }

  /// Every option that has a flag and a variable, in the order help should show them.
  public static List<OptionInfo> options() {
    return Layers.OPTIONS.stream()
        .map(option -> option.info(!UpstreamOptions.FLAGS.contains(option)))
        .toList();
  }

  private Config read(Map<String, String> flags) {
    Layers.readVariables(environment, values, errors);
    Layers.readFlags(flags, values, errors);
    Secret upstreamKey = upstreamKey();
    Layers.refuseUnknownVariables(environment, errors);
    if (file.readable()) {
      checkKeys();
      checkUpstreams();
      checkTls();
      checkMail();
      checkNotified();
      checkPrefetched(upstreamKey != null);
    }
    if (!errors.isEmpty()) {
      throw errors.exception();
    }
    return new Config(
        ServerOptions.server(values),
        file.keys().stream().map(KeyOptions::key).toList(),
        upstreams(upstreamKey),
        file.operations(),
        mail());
  }

  /// The key that `--upstream-key-env` names; null if it names none.
  private @Nullable Secret upstreamKey() {
    String name = values.find(UpstreamOptions.KEY_FLAG);
    Place place = values.place(UpstreamOptions.KEY_FLAG).orElse(null);
    if (name == null || place == null) {
      return null;
    }
    String value = environment.value(name);
    if (!values.written(UpstreamOptions.FLAG)) {
      errors.add(
          place,
          "goes with --upstream, which is not given; for an upstream of the file write"
              + " api-key: \"${NAME}\" there");
    } else if (value == null) {
      // The likely mistake is to give the key itself, which must not come back from the
      // environment.
      String which = place.source() == Place.Source.FLAG ? "the variable " + name : "what it names";
      errors.add(place, which + " is not set, or empty; expected a variable that holds the key");
    } else {
      return UpstreamOptions.API_KEY.type().read(new Text(value, place, true), errors);
    }
    return null;
  }

  private void checkKeys() {
    if (values.place(ServerOptions.BIND).isPresent()
        && !Addresses.parse(values.get(ServerOptions.BIND)).isLoopbackAddress()
        && file.keys().isEmpty()
        && !values.get(ServerOptions.OPEN)) {
      errors.add(
          values.place(ServerOptions.BIND).orElseThrow(),
          "other machines can reach this address, and without keys all of them may use your"
              + " upstreams; add keys to the file (keys: [{tenant: shop, sha256: …}]), or bind to"
              + " 127.0.0.1, or, if you trust the network, say --open (server.open: true)");
    }
  }

  private void checkUpstreams() {
    if (file.upstreams().isEmpty() && !values.written(UpstreamOptions.FLAG)) {
      errors.add(
          Place.nowhere("upstreams"),
          "there is no AI API to send calls to; say --upstream "
              + UpstreamOptions.EXAMPLE
              + ", or set MEANWHILE_UPSTREAM, or write in the file upstreams: {openai: {base-url: "
              + UpstreamOptions.EXAMPLE
              + "}}");
    }
  }

  private void checkTls() {
    needs(values, ServerOptions.TLS_CERT, ServerOptions.TLS_KEY, PEM + "the private key");
    needs(values, ServerOptions.TLS_KEY, ServerOptions.TLS_CERT, PEM + "the certificate chain");
  }

  /// Whom operations tell must be allowed to be told.
  private void checkNotified() {
    Set<String> allowed = file.mail().find(MailOptions.ALLOWED_DOMAINS);
    file.notified()
        .forEach((name, place) -> {
          Operation operation = file.operations().get(name);
          String notify = operation == null ? null : operation.notified();
          if (file.mailPlace() == null) {
            errors.add(
                place,
                "needs the section mail, which says by what server mails are sent, and to which"
                    + " domains");
          } else if (notify != null
              && allowed != null
              && !allowed.contains(Mailto.domain(notify))) {
            errors.add(
                place,
                "is of a domain that mail.allowed-domains does not list; add "
                    + Errors.quote(Mailto.domain(notify))
                    + " there");
          }
        });
  }

  /// What nobody asks for goes up with nobody's credential, and is made for those who will ask.
  ///
  /// @param key whether the upstream that is given by a flag has a key
  private void checkPrefetched(boolean key) {
    Set<String> tenants = new HashSet<>();
    for (Values each : file.keys()) {
      if (each.place(KeyOptions.TENANT).isPresent()) {
        tenants.add(each.get(KeyOptions.TENANT));
      }
    }
    file.prefetched()
        .forEach((name, place) -> {
          Operation operation = file.operations().get(name);
          PrefetchPolicy policy = operation == null ? null : operation.prefetch();
          ChatTemplate template = operation == null ? null : operation.template();
          if (policy == null || template == null) {
            return;
          }
          String upstream = upstreamOf(template.model());
          Values its = upstream == null ? null : file.upstreams().get(upstream);
          boolean given =
              UpstreamOptions.DEFAULT.equals(upstream) && values.written(UpstreamOptions.FLAG);
          boolean has = given ? key : its == null || its.written(UpstreamOptions.API_KEY);
          // Where there are keys of our own, callers' never go up: it needs none, or has one.
          if (!has && file.keys().isEmpty()) {
            errors.add(
                place,
                "asks in nobody's name, and the upstream "
                    + Errors.quote(String.valueOf(upstream))
                    + " has no key of its own: give it an api-key (or --upstream-key-env NAME); if"
                    + " it needs none, any text will do");
          }
          for (String tenant : policy.tenants() == null ? List.<String>of() : policy.tenants()) {
            if (!tenants.contains(tenant)) {
              errors.add(
                  place,
                  "names the tenant "
                      + Errors.quote(tenant)
                      + ", which has no key"
                      + Suggestion.nearest(tenant, tenants)
                          .map(near -> "; did you mean '" + near + "'?")
                          .orElse("; add one to keys, or leave tenants out"));
            }
          }
        });
  }

  /// The upstream that a model is asked of, or null if there is none.
  private @Nullable String upstreamOf(String model) {
    int slash = model.indexOf('/');
    String prefix = slash < 1 ? "" : model.substring(0, slash);
    Set<String> names = new LinkedHashSet<>();
    if (values.written(UpstreamOptions.FLAG)) {
      names.add(UpstreamOptions.DEFAULT);
    }
    names.addAll(file.upstreams().keySet());
    return names.contains(prefix) ? prefix : names.stream().findFirst().orElse(null);
  }

  private void checkMail() {
    Place place = file.mailPlace();
    if (place == null) {
      return;
    }
    if (!values.written(ServerOptions.PUBLIC_URL)) {
      errors.add(
          place,
          "needs server.public-url: a mail has a link, and no request to take this server's address"
              + " from; write server: {public-url: https://ai.example.com}, or say --public-url");
    }
    Values mail = file.mail();
    needs(mail, MailOptions.USERNAME, MailOptions.PASSWORD, "give it");
    needs(mail, MailOptions.PASSWORD, MailOptions.USERNAME, "give it");
    if (mail.get(MailOptions.TLS) == MailTls.NONE) {
      mail.place(MailOptions.PASSWORD)
          .ifPresent(at ->
              errors.add(
                  at, "would be sent in plain text; say tls: starttls or tls: tls, or give none"));
    }
  }

  private @Nullable MailConfig mail() {
    URI publicUrl = values.find(ServerOptions.PUBLIC_URL);
    return file.mailPlace() == null || publicUrl == null
        ? null
        : MailOptions.mail(file.mail(), publicUrl);
  }

  private void needs(Values values, Option<?> given, Option<?> other, String what) {
    if (!values.written(other)) {
      values
          .place(given)
          .ifPresent(place ->
              errors.add(
                  place,
                  "goes with " + other.name() + ", which is missing; " + what + ", or neither"));
    }
  }

  private Map<String, UpstreamConfig> upstreams(@Nullable Secret key) {
    Map<String, UpstreamConfig> upstreams = new LinkedHashMap<>();
    URI url = values.find(UpstreamOptions.FLAG);
    if (url != null) {
      // Replaces the file's upstream of that name whole: its key must not go to another address.
      upstreams.put(UpstreamOptions.DEFAULT, UpstreamOptions.given(url, key));
    }
    file.upstreams()
        .forEach((name, given) ->
            upstreams.computeIfAbsent(name, n -> UpstreamOptions.upstream(n, given)));
    return upstreams;
  }
}
