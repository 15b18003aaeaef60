package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.testkit.Seeds;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

class JsonScannerTest {
  private static final JsonMapper JACKSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private static final Pattern LONE = Pattern.compile("\\\\u[dD]");

  private static JsonScanner over(String json) {
    // Not at the array's beginning or end, so that positions are tried too.
    byte[] bytes = ("\"" + json + "\"]}").getBytes(UTF_8);
    return new JsonScanner().reset(bytes, 1, bytes.length - 4);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        " [ ] ",
        "0",
        "-0",
        "1.5e-7",
        "1E+10",
        "true",
        "null",
        "\"\"",
        "\"a\\u00e9\\\\\\\"\"",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"long enough for a word of eight\"}",
        "\t[1 , 2\n,3\r] "
      })
  void takesWhatIsJson(String json) {
    over(json).finish();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1]",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "tru",
        "nulll",
        "\"open",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12",
        "\"line\nbreak\"",
        "{} {}",
        "NaN"
      })
  void noticesWhatIsNot(String json) {
    assertThatThrownBy(() -> over(json).finish()).isInstanceOf(MalformedJson.class);
  }

  @Test
  void limitsDepth() {
    over("[".repeat(256) + "]".repeat(256)).finish();
    assertThatThrownBy(() -> over("[".repeat(257) + "]".repeat(257)).finish())
        .hasMessageContaining("deeper than 256");
  }

  @Test
  void goesThroughMembers() {
    JsonScanner in =
        over("{\"a\":1,\"mod\\u0065l\":\"g\\u00e9\",\"skipped\":[{}],\"z\":{\"y\":2}}");
    in.enterObject();
    List<String> names = new ArrayList<>();
    while (in.member()) {
      names.add(in.name());
      if (in.named(Json.ascii("model"))) {
        assertThat(in.string()).isEqualTo("gé");
      } else if (in.named(Json.ascii("z"))) {
        in.enterObject();
        assertThat(in.member()).isTrue();
        assertThat(in.natural()).isEqualTo(2);
        assertThat(in.member()).isFalse();
      }
    }
    in.finish();
    assertThat(names).containsExactly("a", "model", "skipped", "z");
  }

  @Test
  void knowsSubstance() {
    JsonScanner in = over("[\"\",\"a\",[ ],[0],{},{\"a\":0},true,false,null,7]");
    in.enterArray();
    List<Boolean> found = new ArrayList<>();
    while (in.element()) {
      found.add(in.substance());
    }
    assertThat(found)
        .containsExactly(false, true, false, true, false, true, true, false, false, false);
  }

  @Test
  void stringsSurviveQuoting() {
    Seeds.check(
        500,
        random -> {
          StringBuilder text = new StringBuilder();
          for (int i = random.nextInt(40); i > 0; i--) {
            text.append((char) random.nextInt(Seeds.pick(random, 0x80, 0x300, 0x10000)));
          }
          JsonScanner in = over(Json.quote(text.toString()));
          assertThat(in.string()).isEqualTo(text.toString());
          in.finish();
        });
  }

  @Test
  void agreesWithJacksonOnMutants() {
    List<byte[]> documents = new ArrayList<>();
    for (List<String> payloads : Recordings.samples()) {
      payloads.stream()
          .distinct()
          .limit(20)
          .forEach(payload -> documents.add(payload.getBytes(UTF_8)));
    }
    Seeds.check(
        20_000,
        random -> {
          byte[] mutant = Mutants.of(random, documents.get(random.nextInt(documents.size())));
          // Jackson refuses lone surrogates in names, which RFC 8259 allows.
          if (isUtf8(mutant) && !LONE.matcher(new String(mutant, UTF_8)).find()) {
            boolean scanned = scans(mutant);
            assertThat(scanned).as(new String(mutant, UTF_8)).isEqualTo(parses(mutant));
          } else {
            scans(mutant);
          }
        });
  }

  private static boolean scans(byte[] json) {
    try {
      byte[] apart = Arrays.copyOf(json, json.length + 9);
      new JsonScanner().reset(apart, 0, json.length).finish();
      return true;
    } catch (MalformedJson e) {
      return false;
    }
  }

  private static boolean parses(byte[] json) {
    try {
      return !JACKSON.readTree(json).isMissingNode();
    } catch (JacksonException e) {
      return false;
    }
  }

  private static boolean isUtf8(byte[] bytes) {
    try {
      UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }
}
