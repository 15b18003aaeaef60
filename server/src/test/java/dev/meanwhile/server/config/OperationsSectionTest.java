package dev.meanwhile.server.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.budget.AtBudget;
import dev.meanwhile.budget.Budget;
import dev.meanwhile.budget.Deliver;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.budget.Purpose;
import dev.meanwhile.cache.Freshness;
import dev.meanwhile.openai.ChatTemplate;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The section `operations`: what it means, and what its author is told of mistakes.
class OperationsSectionTest {
  private static final String UPSTREAM = "upstreams: {a: {base-url: http://a/v1}}\n";

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource({
    "form, 500, , SYNC",
    "search, 800, , SYNC",
    "page, 1000, , SYNC",
    "chat, 1000, 500, STREAM",
    "stream, , 500, STREAM",
    "background, 60000, , ASYNC",
    "report, 300000, , ASYNC",
    "batch, 86400000, , ASYNC"
  })
  void whatItIsForGivesTheRest(
      String purpose, @Nullable Long total, @Nullable Long first, Deliver deliver) {
    Operation operation = operation("for: " + purpose);
    assertThat(operation.budget())
        .isEqualTo(
            new Budget(
                total == null ? null : Duration.ofMillis(total),
                first == null ? null : Duration.ofMillis(first)));
    assertThat(operation.deliver()).isEqualTo(deliver);
    assertThat(operation.atBudget()).isNull();
    assertThat(Purpose.valueOf(purpose.toUpperCase(Locale.ROOT))).isEqualTo(operation.purpose());
  }

  @Test
  void whatIsWrittenWins() {
    Operation operation =
        operation(
            """
            for: chat
                budget: {first-token: 300ms}
                deliver: async
                at-budget: fallback-value
                fallback-value: '$${later}'
                on-leave: finish
                first-content-timeout: 1s
                expire: true
                supersede: [user, field]
                between-timeout: 2s
                total-timeout: 3s
            """);
    assertThat(operation.budget())
        .isEqualTo(new Budget(Duration.ofSeconds(1), Duration.ofMillis(300)));
    assertThat(operation.deliver()).isEqualTo(Deliver.ASYNC);
    assertThat(operation.atBudget()).isEqualTo(AtBudget.FALLBACK_VALUE);
    assertThat(operation.fallback()).isEqualTo("${later}");
    assertThat(operation.notified()).isNull();
    assertThat(operation.onLeave()).isEqualTo(OnLeave.FINISH);
    assertThat(operation.expire()).isTrue();
    assertThat(operation.supersede()).containsExactly("user", "field");
    assertThat(operation.firstContentTimeout()).isEqualTo(Duration.ofSeconds(1));
    assertThat(operation.betweenTimeout()).isEqualTo(Duration.ofSeconds(2));
    assertThat(operation.totalTimeout()).isEqualTo(Duration.ofSeconds(3));
    assertThat(operation.template()).isNull();
  }

  @Test
  void whatIsAskedIsJson() {
    Operation operation =
        operation(
            """
            for: page
                model: m
                messages:
                  - {role: developer, content: "Be brief."}
                  - {role: user, content: "{{{{ {{ a }} {{b}}"}
                  - {role: assistant, content: "{"}
                parameters:
                  t: 0.50
                  n: -1e3
                  yes: true
                  no: null
                  s: "1"
                  w: word
                  e: ""
                  l: [1, {x: y}]
                  d: 2026-01-01
                  env: "${X}"
                  raw: ${X}
                schema: {type: object}
            """);
    ChatTemplate template = Objects.requireNonNull(operation.template());
    assertThat(template.variables().keySet()).containsExactly("a", "b");
    String chat =
        new String(
            template.fill("{\"a\":\"{{b}}\",\"b\":[1.0]}".getBytes(UTF_8)).chat(false), UTF_8);
    assertThat(chat)
        .isEqualTo(
            "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"{{ {{b}} [1.0]\"},{\"role\":\"assistant\",\"content\":\"{\"}],"
                + "\"t\":0.50,\"n\":-1e3,\"yes\":true,\"no\":null,\"s\":\"1\",\"w\":\"word\",\"e\":\"\",\"l\":[1,{\"x\":\"y\"}],\"d\":\"2026-01-01\",\"env\":\"7\",\"raw\":7,"
                + "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"op\",\"strict\":true,\"schema\":{\"type\":\"object\"}}}}");
  }

  @Test
  void everyMistakeIsTold() {
    String yaml =
        """
        operations:
          summary:
            modle: m
            prompt: "{{te xt}}"
          report: {for: reports, budget: {totl: 1s, first-token: soon}}
          'a b': {for: page}
          nothing: {model: m}
          both: {for: page, model: m, prompt: x, messages: [{role: user, content: y}], system: z}
          no-model: {for: page, prompt: x}
          half: {for: page, parameters: {temperature: 1}}
          fall: {for: page, at-budget: fallback-value}
          fell: {for: page, fallback-value: x}
          own: {for: page, model: m, prompt: x, parameters: {stream: true, n: .5}}
          kinds: {for: page, model: m, system: 'see {{photo}}', prompt: x, inputs: {photo: image, phot: image}}
          kind: {for: page, model: m, prompt: '{{photo}}', inputs: {photo: picture}}
          list: {for: page, model: m, messages: []}
          said: {for: page, model: m, messages: [{role: robot, content: x}, {role: user}]}
          format: {for: page, model: m, prompt: x, schema: {a: b}, parameters: {response_format: {}}}
          scalar: {for: page, model: m, prompt: x, schema: word}
          twice: {for: page, model: m, prompt: x, schema: {a: b, a: c}}
          newer: {for: page, supersede: [user, 'a b']}
          endless: {for: stream, expire: true}
          maybe: {for: report, expire: soon}
        """;
    assertThat(Written.in(directory, UPSTREAM + yaml).errors())
        .satisfiesExactly(
            it ->
                told(
                    it,
                    "m.yaml:4:5: operations.summary: unknown name 'modle'; did you mean 'model'?"),
            it ->
                told(
                    it,
                    "m.yaml:5:13: operations.summary.prompt: expected a text, such as",
                    "{{ must begin a variable",
                    "write {{{{"),
            it ->
                told(
                    it,
                    "m.yaml:6:17: operations.report.for: expected one of form, search,",
                    "but found 'reports'"),
            it ->
                told(
                    it,
                    "m.yaml:6:35: operations.report.budget: unknown name 'totl'; did you mean 'total'?"),
            it ->
                told(it, "m.yaml:6:58: operations.report.budget.first-token: expected a duration"),
            it -> told(it, "m.yaml:7:3: operations: expected a name of 1 to 64"),
            it ->
                told(
                    it,
                    "m.yaml:8:12: operations.nothing: says neither what it is for nor how it is delivered",
                    "for: form",
                    "deliver: sync"),
            it -> told(it, "m.yaml:8:13: operations.nothing.model: goes with prompt or messages"),
            it -> told(it, "m.yaml:9:42: operations.both.messages: goes instead of prompt"),
            it -> told(it, "m.yaml:9:80: operations.both.system: goes with prompt"),
            it -> told(it, "m.yaml:10:13: operations.no-model: model is missing"),
            it -> told(it, "m.yaml:11:21: operations.half.parameters: goes with prompt"),
            it -> told(it, "m.yaml:12:21: operations.fall.at-budget: fallback-value is missing"),
            it -> told(it, "m.yaml:13:21: operations.fell.fallback-value: is answered only with"),
            it ->
                told(
                    it,
                    "m.yaml:14:71: operations.own.parameters.n: expected a number as JSON writes it"),
            it -> told(it, "m.yaml:15:68: operations.kinds.inputs: 'photo' is an image or a file"),
            it ->
                told(
                    it,
                    "m.yaml:15:68: operations.kinds.inputs: 'phot' stands nowhere in the prompt; did you mean 'photo'?"),
            it ->
                told(
                    it,
                    "m.yaml:16:68: operations.kind.inputs.photo: expected one of text, image, file"),
            it -> told(it, "m.yaml:17:41: operations.list.messages: expected a list of messages"),
            it ->
                told(
                    it,
                    "m.yaml:18:49: operations.said.messages[0].role: expected one of system, developer"),
            it -> told(it, "m.yaml:18:69: operations.said.messages[1]: content is missing"),
            it ->
                told(it, "m.yaml:19:44: operations.format.schema: and parameters.response_format"),
            it -> told(it, "m.yaml:20:52: operations.scalar.schema: expected names and values"),
            it -> told(it, "m.yaml:21:58: operations.twice.schema: duplicate name 'a'"),
            it ->
                told(
                    it,
                    "m.yaml:22:40: operations.newer.supersede: expected names of 1 to 64",
                    "but found 'a b'"),
            it -> told(it, "m.yaml:23:26: operations.endless.expire: needs a budget", "total: 60s"),
            it -> told(it, "m.yaml:24:32: operations.maybe.expire: expected true or false"));
  }

  @Test
  void whatTheOperationSaysItselfIsNoParameter() {
    for (String name : ChatTemplate.OWN) {
      assertThat(
              Written.in(
                      directory,
                      UPSTREAM
                          + "operations: {a: {for: page, model: m, prompt: x, parameters: {"
                          + name
                          + ": x}}}")
                  .errors())
          .singleElement()
          .asString()
          .contains("operations.a.parameters: expected names and values", name);
    }
  }

  @Test
  void whomItTellsMustBeAllowedToBeTold() {
    String notify = "operations: {a: {for: report, notify: 'mailto:Ann@Example.com'}}\n";
    String mail =
        """
        server: {public-url: 'https://ai.example.com'}
        mail: {host: smtp.example.com, from: ai@example.com, allowed-domains: [%s]}
        """;
    String allowed = UPSTREAM + notify + mail.formatted("example.com");
    assertThat(
            Objects.requireNonNull(Written.in(directory, allowed).read().operations().get("a"))
                .notified())
        .isEqualTo("mailto:ann@example.com");
    assertThat(Written.in(directory, UPSTREAM + notify).errors())
        .singleElement()
        .asString()
        .contains("operations.a.notify: needs the section mail");
    assertThat(Written.in(directory, UPSTREAM + notify + mail.formatted("example.org")).errors())
        .singleElement()
        .asString()
        .contains("operations.a.notify: is of a domain that mail.allowed-domains does not list")
        .contains("'example.com'");
    String wrong = "operations: {a: {for: report, notify: ann@example.com}}\n";
    assertThat(Written.in(directory, UPSTREAM + wrong + mail.formatted("example.com")).errors())
        .singleElement()
        .asString()
        .contains("operations.a.notify: expected mailto: and one plain address");
  }

  @Test
  void whatIsGivenAgain() {
    CachePolicy least =
        Objects.requireNonNull(operation("for: page\n    cache: {max-age: 1h}").cache());
    assertThat(least)
        .isEqualTo(
            new CachePolicy(
                new Freshness(Duration.ofHours(1), Duration.ZERO, Duration.ZERO, Duration.ZERO),
                null,
                List.of(),
                CachePolicy.Share.TENANT));
    Operation whole =
        operation(
            """
            for: page
                model: m
                prompt: "{{a}} {{b}}"
                at-budget: stale
                cache:
                  max-age: 2h
                  stale-while-revalidate: 30m
                  stale-if-error: 24h
                  errors: 1m
                  key: [b]
                  tags: [news, v1.2]
                  share: user
            """);
    assertThat(whole.atBudget()).isEqualTo(AtBudget.STALE);
    assertThat(whole.cache())
        .isEqualTo(
            new CachePolicy(
                new Freshness(
                    Duration.ofHours(2),
                    Duration.ofMinutes(30),
                    Duration.ofHours(24),
                    Duration.ofMinutes(1)),
                List.of("b"),
                List.of("news", "v1.2"),
                CachePolicy.Share.USER));
    assertThat(operation("for: page").cache()).isNull();
  }

  @Test
  void everyMistakeOfACacheIsTold() {
    String yaml =
        """
        operations:
          none: {for: page, cache: {}}
          word: {for: page, cache: 1h}
          other: {for: page, cache: {max-aeg: 1h}}
          never: {for: page, cache: {max-age: 0s}}
          before: {for: page, cache: {max-age: 1h, stale-if-error: -1s}}
          key: {for: page, model: m, prompt: '{{segment}}', cache: {max-age: 1h, key: [segmnet]}}
          tag: {for: page, cache: {max-age: 1h, tags: ['a b']}}
          share: {for: page, cache: {max-age: 1h, share: users}}
          stale: {for: page, at-budget: stale, cache: {max-age: 1h}}
          bare: {for: page, at-budget: stale}
        """;
    assertThat(Written.in(directory, UPSTREAM + yaml).errors())
        .satisfiesExactly(
            it -> told(it, "m.yaml:3:28: operations.none.cache: max-age is missing"),
            it -> told(it, "m.yaml:4:28: operations.word.cache: expected names and values"),
            it -> told(it, "m.yaml:5:29: operations.other.cache: max-age is missing"),
            it ->
                told(
                    it,
                    "m.yaml:5:30: operations.other.cache: unknown name 'max-aeg'; did you mean 'max-age'?"),
            it -> told(it, "m.yaml:6:39: operations.never.cache.max-age: expected a duration"),
            it ->
                told(
                    it, "m.yaml:7:60: operations.before.cache.stale-if-error: expected a duration"),
            it ->
                told(
                    it,
                    "m.yaml:8:79: operations.key.cache.key: 'segmnet' is no variable of the prompt; did you mean 'segment'?"),
            it -> told(it, "m.yaml:9:48: operations.tag.cache.tags: expected names"),
            it ->
                told(
                    it, "m.yaml:10:50: operations.share.cache.share: expected one of tenant, user"),
            it -> told(it, "m.yaml:11:22: operations.stale.at-budget: stale needs an answer"),
            it -> told(it, "m.yaml:12:21: operations.bare.at-budget: stale needs an answer"));
  }

  @Test
  void isInTheOrderOfTheFile() {
    String yaml = "operations: {z: {for: page}, a: {for: page}, m: {for: page}}";
    assertThat(Written.in(directory, UPSTREAM + yaml).read().operations().keySet())
        .containsExactly("z", "a", "m");
    assertThat(Written.in(directory, UPSTREAM + "operations: {}").read().operations()).isEmpty();
    assertThat(Written.in(directory, UPSTREAM + "operations: [a]").errors())
        .singleElement()
        .asString()
        .startsWith("m.yaml:2:13: operations: expected names and values");
  }

  private static void told(String error, String... parts) {
    assertThat(error).startsWith(parts[0]).contains(parts);
  }

  private Operation operation(String yaml) {
    var config =
        Written.in(directory, UPSTREAM + "operations:\n  op:\n    " + yaml)
            .read(Map.of(), Map.of("X", "7"));
    return Objects.requireNonNull(config.operations().get("op"));
  }
}
