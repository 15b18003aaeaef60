package dev.meanwhile.server.config;

import dev.meanwhile.budget.AtBudget;
import dev.meanwhile.budget.Deliver;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.budget.Purpose;
import dev.meanwhile.openai.ChatTemplate;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.openai.Template;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// The kinds of values besides durations, sizes and URLs.
final class Types {
  /// A header's value: what could end the header's line would be an attack or an accident.
  private static final Pattern CREDENTIAL = Pattern.compile("[\\x21-\\x7e]{1,8192}");

  private static final Pattern LONG_SECRET = Pattern.compile("[\\x21-\\x2b\\x2d-\\x7e]{32,512}");

  static final Type<Boolean> BOOLEAN =
      Type.of(OptionInfo.SWITCH, "true or false", "true", Types::truth);

  static final Type<Path> PATH = Type.of("<path>", "a path", "./meanwhile-data", Path::of);

  /// Never repeated: people put passwords in it.
  static final Type<URI> JDBC =
      Type.of(
              "<jdbc-url>",
              "the JDBC URL of a PostgreSQL database",
              "jdbc:postgresql://db.example.com/meanwhile",
              Types::jdbc)
          .asSecret();

  static final Type<URI> REDIS =
      Type.of(
              "<redis-url>",
              "the address of a Redis or Valkey server",
              "redis://cache.example.com:6379",
              Types::redis)
          .asSecret();

  static final Type<String> ADDRESS =
      Type.of("<address>", "an IP address or localhost", "127.0.0.1", Types::address);

  static final Type<List<Cidr>> CIDRS =
      Type.of("<ranges>", "IP addresses or ranges", "10.0.0.0/8 or 127.0.0.1,::1", Types::cidrs)
          .asList();

  static final Type<Coalesce> COALESCE =
      Type.of("<safe|true|false>", "safe, true or false", "true", Types::coalesce);

  static final Type<OnLeave> ON_LEAVE = choice(OnLeave.values(), OnLeave::name);

  static final Type<CachePolicy.Share> SHARE =
      choice(CachePolicy.Share.values(), CachePolicy.Share::name);

  static final Type<List<String>> NAMES =
      Type.of(
              "<names>",
              "names of 1 to 64 letters, digits, dots, dashes or underscores",
              "segment, category",
              Types::names)
          .asList();

  static final Type<Cron> CRON =
      Type.of(
          "<cron>",
          "a time as crontab has it: minute, hour, day, month, weekday",
          "\"0 2 * * *\"",
          Cron::parse);

  static final Type<Double> FRACTION =
      Type.of("<fraction>", "a number from 0 to 1", "0.8", Types::fraction);

  static final Type<Long> COUNT =
      Type.of("<count>", "a number, with k or m for thousands or millions", "200k", Types::count);

  static final Type<Api> API = choice(Api.values(), Api::name);

  static final Type<Purpose> PURPOSE = choice(Purpose.values(), Purpose::name);

  static final Type<Deliver> DELIVER = choice(Deliver.values(), Deliver::name);

  static final Type<AtBudget> AT_BUDGET = choice(AtBudget.values(), AtBudget::name);

  static final Type<ChatTemplate.Role> ROLE =
      choice(ChatTemplate.Role.values(), ChatTemplate.Role::name);

  static final Type<ChatTemplate.Kind> KIND =
      choice(ChatTemplate.Kind.values(), ChatTemplate.Kind::name);

  static final Type<String> MAILTO =
      Type.of(
          "<mailto>", "mailto: and one plain address", "mailto:team@example.com", Mailto::parse);

  static final Type<String> TEXT = Type.of("<text>", "a text", "gpt-4.1-mini", text -> text);

  static final Type<Template> TEMPLATE =
      Type.of("<template>", "a text", "\"Summarise: {{text}}\"", Types::template);

  static final Type<String> JSON_OBJECT =
      Type.of("<schema>", "names and values", "{type: object}", Types::object).asJson();

  static final Type<Map<String, String>> PARAMETERS =
      Type.of("{name: value, …}", "names and values", "{temperature: 0}", Types::parameters)
          .asJson();

  static final Type<Sha256> SHA256 =
      Type.of(
              "<sha256>",
              "the key's SHA-256 in 64 hexadecimal digits",
              "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
              Sha256::parse)
          .asSecret();

  static final Type<Secret> SECRET =
      Type.of(
              "<key>",
              "a key in printable ASCII without spaces",
              "\"${OPENAI_API_KEY}\"",
              text -> new Secret(matching(CREDENTIAL, text)))
          .asSecret();

  /// Of 32 characters or more: who guesses one signs what it likes.
  static final Type<List<Secret>> SECRETS =
      Type.of(
              "<secrets>",
              "32 or more characters of printable ASCII without spaces and commas",
              "what `openssl rand -hex 32` prints",
              Types::secrets)
          .asList()
          .asSecret();

  private Types() {}

  static Type<Integer> whole(int min, int max, int example) {
    return Type.of(
        "<number>",
        "a whole number from " + min + " to " + max,
        Integer.toString(example),
        text -> whole(text, min, max));
  }

  /// A name made of letters, digits, and `.`, `_` or `-` after the first of them.
  static Type<String> name(String what, String example) {
    Pattern pattern = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    String expected = what + " of 1 to 64 letters, digits, dots, dashes or underscores";
    return Type.of("<name>", expected, example, text -> matching(pattern, text));
  }

  private static List<String> names(String text) {
    Pattern pattern = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,63}");
    return Arrays.stream(text.split(",", -1))
        .map(String::strip)
        .map(it -> matching(pattern, it))
        .toList();
  }

  /// The name of a variable. Never repeated: the likely mistake is to give the key itself.
  static Type<String> variable() {
    Pattern pattern = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
    return Type.of("<name>", "the name of a variable", "OPENAI_API_KEY", t -> matching(pattern, t))
        .asSecret();
  }

  static <E extends Enum<E>> Type<E> choice(E[] values, Function<E, String> name) {
    List<String> names =
        Arrays.stream(values)
            .map(value -> name.apply(value).toLowerCase(Locale.ROOT).replace('_', '-'))
            .toList();
    return Type.of(
        names.stream().collect(Collectors.joining("|", "<", ">")),
        names.size() == 1 ? names.getFirst() : "one of " + String.join(", ", names),
        names.getFirst(),
        text -> {
          int index = names.indexOf(text);
          if (index < 0) {
            throw new IllegalArgumentException("none of them");
          }
          return values[index];
        });
  }

  private static int whole(String text, int min, int max) {
    int number = text.matches("\\d{1,10}") ? Integer.parseInt(text) : -1;
    if (number < min || number > max) {
      throw new IllegalArgumentException("out of range");
    }
    return number;
  }

  private static double fraction(String text) {
    double number = text.matches("[01]|[01]?\\.\\d{1,9}") ? Double.parseDouble(text) : -1;
    if (number < 0 || number > 1) {
      throw new IllegalArgumentException("out of range");
    }
    return number;
  }

  private static long count(String text) {
    if (!text.matches("\\d{1,12}[km]?")) {
      throw new IllegalArgumentException("no count");
    }
    long number = Long.parseLong(text.replaceAll("[km]", ""));
    return text.endsWith("k") ? number * 1_000 : text.endsWith("m") ? number * 1_000_000 : number;
  }

  private static boolean truth(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("neither");
    };
  }

  private static Coalesce coalesce(String text) {
    return switch (text) {
      case "safe" -> Coalesce.SAFE;
      case "true" -> Coalesce.ALWAYS;
      case "false" -> Coalesce.NEVER;
      default -> throw new IllegalArgumentException("none of them");
    };
  }

  private static Template template(String text) {
    try {
      return Template.of(text);
    } catch (IllegalArgumentException e) {
      throw new Wrong(String.valueOf(e.getMessage()));
    }
  }

  private static String object(String json) {
    if (!json.startsWith("{")) {
      throw new Wrong("what is there has no names");
    }
    return json;
  }

  private static Map<String, String> parameters(String json) {
    var members = JsonText.members(object(json).getBytes(StandardCharsets.UTF_8));
    for (String name : ChatTemplate.OWN) {
      if (members != null && members.containsKey(name)) {
        throw new Wrong(name + " is not said here: it comes from the operation and its call");
      }
    }
    return members == null ? Map.of() : members;
  }

  private static URI jdbc(String text) {
    if (!text.startsWith("jdbc:postgresql:")) {
      throw new IllegalArgumentException("another database");
    }
    return URI.create(text);
  }

  private static URI redis(String text) {
    URI uri = URI.create(text);
    if (!List.of("redis", "rediss").contains(String.valueOf(uri.getScheme()))
        || uri.getHost() == null) {
      throw new IllegalArgumentException("no such server");
    }
    return uri;
  }

  private static String address(String text) {
    return text.equals("localhost") ? "127.0.0.1" : Addresses.parse(text).getHostAddress();
  }

  private static List<Cidr> cidrs(String text) {
    return Arrays.stream(text.split(",", -1)).map(String::strip).map(Cidr::parse).toList();
  }

  private static List<Secret> secrets(String text) {
    return Arrays.stream(text.split(",", -1))
        .map(each -> new Secret(matching(LONG_SECRET, each.strip())))
        .toList();
  }

  private static String matching(Pattern pattern, String text) {
    if (!pattern.matcher(text).matches()) {
      throw new IllegalArgumentException("does not match");
    }
    return text;
  }
}
