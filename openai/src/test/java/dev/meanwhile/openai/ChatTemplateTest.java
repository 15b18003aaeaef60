package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.openai.ChatTemplate.Message;
import dev.meanwhile.openai.ChatTemplate.Role;
import dev.meanwhile.testkit.Seeds;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Prompts with holes: whatever fills them, they say what was given, and nothing else changes.
class ChatTemplateTest {
  private static final JsonMapper JSON = new JsonMapper();

  private static String piece(SplittableRandom random) {
    return Seeds.pick(
        random, "", "a", "{", "}", "{{", "}}", "{{x0}}", "\"", "\\", "\n", "世界 🚆", "$1", "{{{{",
        " ");
  }

  @Test
  void saysWhatWasGivenAndNothingElse() {
    Seeds.check(
        3_000,
        random -> {
          var template = new StringBuilder();
          var expected = new StringBuilder();
          ObjectNode input = JSON.createObjectNode();
          for (int left = random.nextInt(8); left > 0; left--) {
            if (random.nextBoolean()) {
              // One brace next to others would be read as one of them.
              String literal = piece(random).replace("{", random.nextBoolean() ? "" : "<");
              template.append(literal);
              expected.append(literal);
              if (random.nextInt(4) == 0) {
                template.append("{{{{");
                expected.append("{{");
              }
            } else {
              String name = "x" + random.nextInt(3);
              if (!input.has(name)) {
                input.put(name, piece(random) + piece(random) + piece(random));
              }
              template.append(random.nextBoolean() ? "{{" + name + "}}" : "{{  " + name + " }}");
              expected.append(input.get(name).asString());
            }
          }
          var chat = of(template.toString());
          var filled = chat.fill(JSON.writeValueAsBytes(input));
          assertThat(filled.problem()).as("%s with %s", template, input).isNull();
          assertThat(content(filled.chat(false))).isEqualTo(expected.toString());
          JsonNode response = JSON.readTree(filled.responses("{\"prompt\":{}}".getBytes(UTF_8)));
          assertThat(response.at("/input/0/content").asString()).isEqualTo(expected.toString());
          assertThat(response.has("prompt")).isFalse();
        });
  }

  /// However a template looks, it is read or refused with a reason, and told without its text.
  @Test
  void whatIsNoTemplateIsRefused() {
    Seeds.check(
        3_000,
        random -> {
          var text = new StringBuilder();
          for (int left = random.nextInt(8); left > 0; left--) {
            text.append(piece(random));
          }
          try {
            var names = Template.of(text.toString()).variables();
            assertThat(names).allMatch(name -> name.matches("a+|x0"));
          } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageContaining("{{{{");
            assertThat(text.toString()).contains("{{");
          }
        });
    for (String wrong :
        List.of("{{", "{{}}", "{{ }}", "{{1}}", "{{a b}}", "{{{a}}}", "{{a}", "{{a.b}}")) {
      assertThatThrownBy(() -> Template.of(wrong)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void whatIsMissingUnknownOrOfAnotherKindIsNamed() {
    Seeds.check(
        500,
        random -> {
          List<String> all = List.of("a", "b", "c");
          List<String> given = new ArrayList<>(all);
          String odd = Seeds.pick(random, "a", "b", "c", "d");
          boolean missing = all.contains(odd);
          if (missing) {
            given.remove(odd);
          } else {
            given.add(odd);
          }
          String input =
              given.stream()
                  .map(name -> "\"" + name + "\":1")
                  .collect(Collectors.joining(",", "{", "}"));
          var problem =
              Objects.requireNonNull(
                  of("{{a}}{{b}}{{c}}").fill(input.getBytes(UTF_8)).problem(), input);
          assertThat(problem.param()).isEqualTo(odd);
          assertThat(problem.code()).isEqualTo(missing ? "missing_variable" : "unknown_variable");
          assertThat(problem.message()).contains("'" + odd + "'").contains("a, b, c");
        });
  }

  @Test
  void whatIsBesideThePromptMayBeGivenAndIsNotAsked() {
    var template =
        new ChatTemplate(
            "m",
            List.of(new Message(Role.USER, Template.of("{{a}}"))),
            Map.of(),
            Map.of(),
            List.of("a", "user"));
    assertThat(template.variables().keySet()).containsExactly("a");
    var filled = template.fill("{\"a\":\"x\",\"user\":\"ann\"}".getBytes(UTF_8));
    assertThat(filled.problem()).isNull();
    assertThat(new String(filled.chat(false), UTF_8)).doesNotContain("ann");
    assertThat(filled.given("user")).contains("ann").isNotEqualTo(filled.given("a"));
    var without = template.fill("{\"a\":\"x\",\"user\":null}".getBytes(UTF_8));
    assertThat(without.problem()).isNull();
    assertThat(without.given("user")).isNull();
    var odd = template.fill("{\"a\":\"x\",\"usr\":1}".getBytes(UTF_8)).problem();
    assertThat(Objects.requireNonNull(odd).code()).isEqualTo("unknown_variable");
    assertThat(odd.message()).contains("a, user");
  }

  @Test
  void parametersGiveWayToTheCallers() {
    var template =
        new ChatTemplate(
            "m",
            List.of(new Message(Role.USER, Template.of("x"))),
            Map.of(),
            Map.of("temperature", "0.50"),
            List.of());
    var filled = template.fill(new byte[0]);
    String bare = "{\"model\":\"n\"}";
    assertThat(new String(filled.withParameters(bare.getBytes(UTF_8)), UTF_8))
        .isEqualTo("{\"model\":\"n\",\"temperature\":0.50}");
    String own = "{\"temperature\":1}";
    assertThat(new String(filled.withParameters(own.getBytes(UTF_8)), UTF_8)).isEqualTo(own);
    assertThat(new String(filled.chat(true), UTF_8))
        .endsWith(
            "\"temperature\":0.50,\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
  }

  /// What an operation asks, as it is written down; all of it but the model, which keys have beside
  /// it.
  private record Written(
      List<Message> messages,
      Map<String, ChatTemplate.Kind> kinds,
      Map<String, String> parameters,
      List<String> counted) {
    static Written any(SplittableRandom random) {
      var messages = new ArrayList<Message>();
      for (int left = random.nextInt(1, 4); left > 0; left--) {
        String text =
            Seeds.pick(random, "", "a", "user", "{{x}}", "{{y}}", "a{{x}}", "{{x}}{{y}}", "TEXT");
        messages.add(
            new Message(
                Seeds.pick(random, Role.USER, Role.SYSTEM), Template.of(text + "{{x}}{{y}}")));
      }
      var parameters = new LinkedHashMap<String, String>();
      for (int left = random.nextInt(3); left > 0; left--) {
        parameters.put(
            Seeds.pick(random, "user", "a", "temperature"), Seeds.pick(random, "1", "\"a\"", "2"));
      }
      return new Written(
          messages,
          random.nextBoolean() ? Map.of() : Map.of("x", ChatTemplate.Kind.IMAGE),
          parameters,
          Seeds.pick(random, List.of("x"), List.of("y"), List.of("x", "y"), List.of("y", "x")));
    }

    /// The same with one part as another has it.
    Written withOneOf(Written other, SplittableRandom random) {
      return switch (random.nextInt(5)) {
        case 0 -> new Written(other.messages, kinds, parameters, counted);
        case 1 -> new Written(messages, other.kinds, parameters, counted);
        case 2 -> new Written(messages, kinds, other.parameters, counted);
        case 3 -> new Written(messages, kinds, parameters, other.counted);
        default -> other;
      };
    }

    String values() {
      var template = new ChatTemplate("m", messages, kinds, parameters, List.of());
      byte[] input = "{\"x\":\"http://a\",\"y\":\"http://a\"}".getBytes(UTF_8);
      byte[] values = template.fill(input).values(counted);
      return new String(CanonicalRequest.of(values).orElseThrow(), UTF_8);
    }
  }

  /// Where an operation's variables count alone, whatever else is written down of what it asks
  /// makes another question of it.
  @Test
  void anEditOfAnOperationMakesItAnotherQuestion() {
    Seeds.check(
        3_000,
        random -> {
          Written one = Written.any(random);
          Written other = one.withOneOf(Written.any(random), random);
          assertThat(one.values().equals(other.values()))
              .as("%s / %s", one, other)
              .isEqualTo(one.equals(other));
        });
    // What says the same words in one message and in two.
    var text = Template.of("{{x}}{{y}}");
    var two = List.of(new Message(Role.USER, text), new Message(Role.USER, text));
    var one = List.of(new Message(Role.USER, Template.of("{{x}}{{y}}user{{x}}{{y}}")));
    assertThat(new Written(one, Map.of(), Map.of(), List.of()).values())
        .isNotEqualTo(new Written(two, Map.of(), Map.of(), List.of()).values());
  }

  @Test
  void onlyWhatItAsksItselfIsAllOfIt() {
    var filled = of("Hello {{name}}").fill("{\"name\":\"you\"}".getBytes(UTF_8));
    String own =
        "{\"model\":\"other\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello you\"}]";
    assertThat(filled.isAllOf((own + ",\"stream\":true}").getBytes(UTF_8))).isTrue();
    assertThat(filled.isAllOf((own + ",\"temperature\":1}").getBytes(UTF_8))).isFalse();
    assertThat(filled.isAllOf((own.replace("you", "me") + "}").getBytes(UTF_8))).isFalse();
    assertThat(filled.isAllOf("{".getBytes(UTF_8))).isFalse();
  }

  private static ChatTemplate of(String text) {
    return new ChatTemplate(
        "m", List.of(new Message(Role.USER, Template.of(text))), Map.of(), Map.of(), List.of());
  }

  private static String content(byte[] chat) {
    return JSON.readTree(chat).at("/messages/0/content").asString();
  }
}
