package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.testkit.Seeds;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CanonicalRequestTest {
  private static @Nullable String of(String body) {
    return CanonicalRequest.of(body.getBytes(UTF_8))
        .map(bytes -> new String(bytes, ISO_8859_1))
        .orElse(null);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"a\":1,\"b\":2} | {\"b\":2,\"a\":1}",
        "{\"a\":1} | { \"a\" : 1.0 }",
        "{\"a\":1} | {\"a\":1e0}",
        "{\"a\":100} | {\"a\":0.1E+3}",
        "{\"a\":0} | {\"a\":-0.00e7}",
        "{\"a\":-12.5} | {\"a\":-1250e-2}",
        "{\"a\":1e999999999999999999} | {\"a\":10e999999999999999998}",
        "{\"a\":\"\\u0041\\n\\u00e9\\ud83d\\ude0a\"} | {\"\\u0061\":\"A\\u000aé😊\"}",
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"a\":1,\"b\":2}]}]} | {\"messages\":[{\"content\":[{\"b\":2,\"a\":1}],\"role\":\"user\"}]}",
        "{\"a\":1,\"stream\":true,\"user\":\"u\",\"metadata\":{\"x\":1},\"model\":\"m\",\"store\":true} | {\"a\":1}",
        "{\"stream_options\":{},\"background\":true,\"safety_identifier\":\"s\",\"service_tier\":\"auto\",\"prompt_cache_key\":\"k\",\"a\":1} | {\"a\":1,\"stream\":false}"
      })
  void equal(String one, String other) {
    assertThat(of(one)).isNotNull().isEqualTo(of(other));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"a\":9007199254740993} | {\"a\":9007199254740992}",
        "{\"a\":1} | {\"a\":-1}",
        "{\"a\":1} | {\"a\":10}",
        "{\"a\":1} | {\"a\":\"1\"}",
        "{\"a\":null} | {}",
        "{\"a\":null} | {\"a\":false}",
        "{\"a\":[]} | {\"a\":{}}",
        "{\"a\":[1,2]} | {\"a\":[2,1]}",
        "{\"a\":[[1],2]} | {\"a\":[[1,2]]}",
        "{\"a\":[1,23]} | {\"a\":[12,3]}",
        "{\"a\":\"\\ud83d\"} | {\"a\":\"\\ud83e\"}",
        "{\"a\":\"\\ud83d\"} | {\"a\":\"?\"}",
        "{\"a\":\"\\ud83d\"} | {\"a\":\"\\ufffd\"}",
        "{\"a\":\"b\\\",\\\"c\"} | {\"a\":[\"b\",\"c\"]}",
        "{\"tools\":[{\"parameters\":{\"x\":1,\"y\":2}}]} | {\"tools\":[{\"parameters\":{\"y\":2,\"x\":1}}]}",
        "{\"response_format\":{\"a\":1,\"b\":2}} | {\"response_format\":{\"b\":2,\"a\":1}}",
        "{\"messages\":[{\"user\":\"a\"}]} | {\"messages\":[{\"user\":\"b\"}]}",
        "{\"x\":{\"stream\":true}} | {\"x\":{}}"
      })
  void different(String one, String other) {
    assertThat(of(one)).isNotNull().isNotEqualTo(of(other));
    assertThat(of(other)).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":1}",
        "{\"stream\":true,\"stream\":true}",
        "{\"metadata\":{\"a\":1,\"a\":2}}",
        "{\"tools\":[{\"a\":1,\"a\":2}]}",
        "{\"messages\":[{\"a\":1,\"a\":2}]}",
        "{\"a\":1e1000000000000000000}"
      })
  void noKey(String body) {
    assertThat(of(body)).isNull();
  }

  @Test
  void noKeyForBytesThatAreNotUtf8() {
    assertThat(CanonicalRequest.of("{\"a\":\"é\"}".getBytes(ISO_8859_1))).isEmpty();
  }

  @Test
  void spellingDoesNotCountAndValuesDo() {
    Seeds.check(
        3000,
        random -> {
          Node node = request(random);
          String key = of(node.spell(new SplittableRandom(1)));
          assertThat(key).isNotNull();
          assertThat(of(node.spell(random))).as(node.spell(new SplittableRandom(1))).isEqualTo(key);
          Node changed = node.changed(random);
          assertThat(of(changed.spell(random)))
              .as(
                  node.spell(new SplittableRandom(1))
                      + " / "
                      + changed.spell(new SplittableRandom(1)))
              .isNotEqualTo(key);
        });
  }

  private static Node request(SplittableRandom random) {
    List<String> names = new ArrayList<>();
    List<Node> values = new ArrayList<>();
    names.add("messages");
    values.add(node(random, 4, true));
    for (String name : List.of("tools", "temperature", "unknown", "é\ud83d")) {
      if (random.nextBoolean()) {
        names.add(name);
        values.add(node(random, 3, false));
      }
    }
    return new Tree(true, names, values);
  }

  private static Node node(SplittableRandom random, int depth, boolean sorted) {
    return switch (random.nextInt(depth == 0 ? 3 : 5)) {
      case 0 -> new Text(Seeds.pick(random, "", "a", "\n\"\\", "é😊", "\udc00", "{}", "0"));
      case 1 -> new Decimal(random.nextLong(-2000, 2000), random.nextInt(-3, 4));
      case 2 -> new Word(Seeds.pick(random, "true", "false", "null"));
      case 3 -> tree(random, depth, sorted, new ArrayList<>());
      default -> tree(random, depth, sorted, null);
    };
  }

  private static Tree tree(
      SplittableRandom random, int depth, boolean sorted, @Nullable List<String> names) {
    List<Node> values = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      if (names != null) {
        names.add("n" + i);
      }
      values.add(node(random, depth - 1, sorted));
    }
    return new Tree(sorted, names, values);
  }

  /// A value that can be spelled in many ways.
  private sealed interface Node {
    String spell(SplittableRandom random);

    /// Another value.
    Node changed(SplittableRandom random);
  }

  private record Text(String text) implements Node {
    @Override
    public String spell(SplittableRandom random) {
      StringBuilder out = new StringBuilder("\"");
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (c < ' ' || c == '"' || c == '\\' || Character.isSurrogate(c) || random.nextBoolean()) {
          out.append(String.format("\\u%04X", (int) c));
        } else {
          out.append(c);
        }
      }
      return out.append('"').toString();
    }

    @Override
    public Node changed(SplittableRandom random) {
      return new Text(text + Seeds.pick(random, "x", "\ud800", "\""));
    }
  }

  private record Decimal(long digits, int exponent) implements Node {
    @Override
    public String spell(SplittableRandom random) {
      int zeros = random.nextInt(3);
      return digits
          + "0".repeat(digits == 0 ? 0 : zeros)
          + (random.nextBoolean() ? ".00" : "")
          + Seeds.pick(random, "e", "E")
          + (exponent - zeros);
    }

    @Override
    public Node changed(SplittableRandom random) {
      return new Decimal(digits == 0 ? 1 : digits, digits == 0 ? 0 : exponent + 1);
    }
  }

  private record Word(String word) implements Node {
    @Override
    public String spell(SplittableRandom random) {
      return word;
    }

    @Override
    public Node changed(SplittableRandom random) {
      return new Text(word);
    }
  }

  /// An object, or an array where there are no names.
  private record Tree(boolean sorted, @Nullable List<String> names, List<Node> values)
      implements Node {
    @Override
    public String spell(SplittableRandom random) {
      List<String> parts = new ArrayList<>();
      for (int i = 0; i < values.size(); i++) {
        String value = values.get(i).spell(random);
        parts.add(names == null ? value : new Text(names.get(i)).spell(random) + ": " + value);
      }
      if (sorted && names != null) {
        Collections.shuffle(parts, new Random(random.nextLong()));
      }
      String inside = String.join(Seeds.pick(random, ",", " ,\n"), parts);
      return names == null ? "[" + inside + "]" : "{" + inside + "}";
    }

    @Override
    public Node changed(SplittableRandom random) {
      List<Node> others = new ArrayList<>(values);
      int at = values.isEmpty() ? -1 : random.nextInt(values.size());
      if (at < 0) {
        return new Tree(sorted, names == null ? null : List.of("new"), List.of(new Word("null")));
      }
      others.set(at, values.get(at).changed(random));
      return new Tree(sorted, names, others);
    }
  }
}
