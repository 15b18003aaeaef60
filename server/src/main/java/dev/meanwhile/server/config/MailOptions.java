package dev.meanwhile.server.config;

import dev.meanwhile.openai.Template;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// The table of the `mail` section.
final class MailOptions {
  /// What templates may say: an end's operation, id, status, and the link to it.
  private static final List<String> VARIABLES = List.of("operation", "id", "status", "url");

  private static final String LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  private static final String DOMAIN =
      "(?=[^@]{1,253}$|[^@]{1,253}>)" + LABEL + "(?:\\." + LABEL + ")*";
  private static final String ADDRESS = "[A-Za-z0-9._+=~'&-]{1,64}@" + DOMAIN;
  private static final Pattern HOST = Pattern.compile(DOMAIN + "|[0-9a-fA-F:.]+:[0-9a-fA-F:.]*");
  private static final Pattern DOMAINS = Pattern.compile(DOMAIN);
  private static final Pattern FROM =
      Pattern.compile(ADDRESS + "|[^\\p{Cc}<>\"\\\\,;:@]{1,100} <" + ADDRESS + ">");
  private static final Pattern PRINTABLE = Pattern.compile("[\\x20-\\x7e]{1,256}");
  private static final int LONGEST_SUBJECT = 200;
  private static final int LONGEST_TEXT = 10_000;

  static final Option<String> HOST_NAME =
      Option.required(
          "host",
          Type.of(
              "<host>",
              "a host's name or IP address",
              "smtp.example.com",
              text -> matching(HOST, text)),
          "the mail server that takes the mails");
  static final Option<Integer> PORT =
      Option.optional(
          "port", Types.whole(1, 65535, 587), "587; with tls 465, with none 25", "its port");
  static final Option<MailTls> TLS =
      Option.of(
          "tls",
          Types.choice(MailTls.values(), MailTls::name),
          "starttls",
          "how the connection is secured; none: plain text, for a relay on this machine");
  static final Option<String> USERNAME =
      Option.optional(
          "username",
          Type.of(
                  "<name>",
                  "a name of printable ASCII",
                  "meanwhile",
                  text -> matching(PRINTABLE, text))
              .asSecret(),
          "none",
          "who logs in there; needs password");
  static final Option<Secret> PASSWORD =
      Option.optional(
          "password",
          Type.of(
                  "<password>",
                  "a password of printable ASCII",
                  "\"${SMTP_PASSWORD}\"",
                  text -> new Secret(matching(PRINTABLE, text)))
              .asSecret(),
          "none",
          "with what; needs username");
  static final Option<String> FROM_ADDRESS =
      Option.required(
          "from",
          Type.of(
              "<address>",
              "an address, or a name and an address",
              "\"Meanwhile <ai@example.com>\"",
              text -> matching(FROM, text)),
          "whom mails come from");
  static final Option<Set<String>> ALLOWED_DOMAINS =
      Option.required(
          "allowed-domains",
          Type.of("<domains>", "domains", "[example.com]", MailOptions::domains).asList(),
          "domains whose addresses may get mails; their subdomains are others");
  static final Option<Integer> PER_RECIPIENT =
      Option.of(
          "per-recipient",
          Types.whole(1, 1_000_000, 20),
          "20",
          "most mails to one address within an hour; more wait for their turn");
  static final Option<Template> SUBJECT =
      Option.of(
          "subject",
          template(LONGEST_SUBJECT, "\\P{Cc}+", "of one line"),
          "{{operation}} {{id}} {{status}}",
          "template of a mail's subject");
  static final Option<Template> TEXT =
      Option.computed(
          "text",
          template(LONGEST_TEXT, "[\\P{Cc}\\t\\r\\n]+", "of lines"),
          () -> Template.of("{{operation}} {{id}} {{status}}.\n\n{{url}}\n"),
          "the subject and the link",
          "template of its text");
  static final Option<Boolean> INCLUDE_ANSWER =
      Option.of(
          "include-answer",
          Types.BOOLEAN,
          "false",
          "put the AI's text into the mail, cut to 10 KB");
  static final Option<Duration> LINK_EXPIRES =
      Option.of(
          "link-expires", Durations.positive(), "24h", "how long the signed link is good for");

  static final List<Option<?>> ALL =
      List.of(
          HOST_NAME,
          PORT,
          TLS,
          USERNAME,
          PASSWORD,
          FROM_ADDRESS,
          ALLOWED_DOMAINS,
          PER_RECIPIENT,
          SUBJECT,
          TEXT,
          INCLUDE_ANSWER,
          LINK_EXPIRES);

  private MailOptions() {}

  static MailConfig mail(Values values, URI publicUrl) {
    MailTls tls = values.get(TLS);
    Integer port = values.find(PORT);
    return new MailConfig(
        publicUrl,
        values.get(HOST_NAME),
        port != null ? port : usualPort(tls),
        tls,
        values.find(USERNAME),
        values.find(PASSWORD),
        values.get(FROM_ADDRESS),
        values.get(ALLOWED_DOMAINS),
        values.get(PER_RECIPIENT),
        values.get(SUBJECT),
        values.get(TEXT),
        values.get(INCLUDE_ANSWER),
        values.get(LINK_EXPIRES));
  }

  private static int usualPort(MailTls tls) {
    return switch (tls) {
      case STARTTLS -> 587;
      case TLS -> 465;
      case NONE -> 25;
    };
  }

  private static Type<Template> template(int longest, String allowed, String what) {
    Pattern pattern = Pattern.compile(allowed);
    return Type.of(
        "<template>",
        "a text %s, 1 to %d characters, in which each {{…}} is one of %s"
            .formatted(what, longest, String.join(", ", VARIABLES)),
        "\"{{operation}} {{id}} {{status}}\"",
        text -> {
          if (text.length() > longest) {
            throw new Wrong("it is too long");
          }
          return known(Types.TEMPLATE.parser().parse(matching(pattern, text)));
        });
  }

  private static Template known(Template template) {
    int number = 0;
    for (String each : template.holes()) {
      number++;
      if (!VARIABLES.contains(each)) {
        // Which is not said, since it may come from the environment.
        throw new Wrong("its {{…}} number " + number + " is none of them");
      }
    }
    return template;
  }

  private static Set<String> domains(String text) {
    var domains = new TreeSet<String>();
    Arrays.stream(text.split(",", -1))
        .map(each -> matching(DOMAINS, each.strip()).toLowerCase(Locale.ROOT))
        .forEach(domains::add);
    return domains;
  }

  private static String matching(Pattern pattern, String text) {
    if (!pattern.matcher(text).matches()) {
      throw new IllegalArgumentException("does not match");
    }
    return text;
  }
}
