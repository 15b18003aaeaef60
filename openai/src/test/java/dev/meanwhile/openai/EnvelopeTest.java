package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.testkit.Seeds;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EnvelopeTest {
  private static final String BODY =
      """
      { "model" :"gpt-4.1", "messages": [{"role":"user","content":"\\u00e9 \\"model\\":\\"x\\""}],
        "stream": true, "stream_options":{"x":1,"include_usage":true}, "temperature": -0.0e5,
        "n":2,"encoding_format":"base64", "unknown":{"model":"y","stream":7} }
      """;

  private static Envelope of(String body) {
    return Envelope.of(body.getBytes(UTF_8));
  }

  @Test
  void readsWhatIsThere() {
    Envelope envelope = of(BODY);
    assertThat(envelope.problem()).isNull();
    assertThat(envelope.model()).isEqualTo("gpt-4.1");
    assertThat(envelope.stream()).isTrue();
    assertThat(envelope.includeUsage()).isTrue();
    assertThat(envelope.zeroTemperature()).isTrue();
    assertThat(envelope.n()).isEqualTo(2);
    assertThat(envelope.base64()).isTrue();
    assertThat(envelope.duplicates()).isFalse();
  }

  @Test
  void readsWhatIsNotThere() {
    Envelope envelope = of("{}");
    assertThat(envelope.problem()).isNull();
    assertThat(envelope.model()).isNull();
    assertThat(envelope.stream()).isFalse();
    assertThat(envelope.includeUsage()).isFalse();
    assertThat(envelope.zeroTemperature()).isFalse();
    assertThat(envelope.n()).isEqualTo(1);
    assertThat(envelope.base64()).isFalse();
    assertThatThrownBy(() -> envelope.withModel("x")).isInstanceOf(IllegalStateException.class);
    Envelope nulls =
        of("{\"model\":null,\"stream\":null,\"stream_options\":null,\"temperature\":null}");
    assertThat(nulls.problem()).isNull();
    assertThat(nulls.model()).isNull();
    assertThat(nulls.zeroTemperature()).isFalse();
  }

  @Test
  void replacesTheModelAndNothingElse() {
    Envelope envelope = of(BODY);
    assertThat(new String(envelope.withModel("a\"é"), UTF_8))
        .isEqualTo(BODY.replace("\"gpt-4.1\"", "\"a\\\"é\""));
    assertThat(new String(of("{\"m\\u006fdel\":\"\"}").withModel("x"), UTF_8))
        .isEqualTo("{\"m\\u006fdel\":\"x\"}");
  }

  @ParameterizedTest
  @CsvSource({
    "0,true",
    "0.0,true",
    "-0,true",
    "0e5,true",
    "0.00E-7,true",
    "0.1,false",
    "1,false",
    "1e0,false",
    "10,false",
    "null,false",
    "'\"0\"',false",
    "[0],false"
  })
  void knowsTemperatureZero(String temperature, boolean zero) {
    assertThat(of("{\"temperature\":" + temperature + "}").zeroTemperature()).isEqualTo(zero);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "{\"model\":7},model,Invalid type for 'model': expected a string; but got a number instead.",
        "{\"stream\":\"true\"},stream,Invalid type for 'stream': expected a boolean; but got a string instead.",
        "{\"model\":{}},model,Invalid type for 'model': expected a string; but got an object instead."
      })
  void namesWrongTypes(String body, String param, String message) {
    assertThat(of(body).problem())
        .isEqualTo(new Envelope.Problem(message.replace(';', ','), param, "invalid_type"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "7", "{\"model\":\"x\"", "{\"model\":\"x\"} x", "{'a':1}"})
  void refusesWhatIsNotAnObject(String body) {
    Envelope.Problem problem = of(body).problem();
    assertThat(problem).extracting("code").isEqualTo("invalid_json");
    assertThat(problem).extracting("param").isNull();
  }

  @Test
  void saysWhereItIsBroken() {
    assertThat(of("{\"a\":1,\n \"b\":tru}").problem())
        .extracting("message")
        .isEqualTo("The body is not valid JSON: no value at byte 13.");
  }

  @Test
  void notesDuplicates() {
    assertThat(of("{\"a\":1,\"b\":2,\"\\u0061\":3}").duplicates()).isTrue();
    assertThat(of("{\"model\":\"a\",\"model\":\"b\"}").model()).isEqualTo("b");
    assertThat(of("{\"a\":{\"b\":1},\"b\":{\"a\":1}}").duplicates()).isFalse();
  }

  @Test
  void nothingElseIsThrownForMutants() {
    byte[] body = BODY.getBytes(UTF_8);
    Seeds.check(
        5000,
        random -> {
          byte[] mutant = Mutants.of(random, body);
          Envelope envelope = Envelope.of(mutant);
          if (envelope.problem() == null && envelope.model() != null) {
            byte[] same = envelope.withModel("the-new-one");
            assertThat(Envelope.of(same).model()).isEqualTo("the-new-one");
          }
          assertThat(
                  CanonicalRequest.of(mutant).isPresent()
                      && envelope.problem() != null
                      && envelope.problem().code().equals("invalid_json"))
              .isFalse();
        });
  }

  @Test
  void aStreamWithUsageIsAskedForByInsertionOnly() {
    Map<String, String> edits =
        Map.of(
            "{}", "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
            "{ \"a\": 1}",
                "{ \"stream\":true,\"stream_options\":{\"include_usage\":true},\"a\": 1}",
            "{\"stream\": false, \"b\":[]}",
                "{\"stream_options\":{\"include_usage\":true},\"stream\": true, \"b\":[]}",
            "{\"stream\":true,\"stream_options\":null}",
                "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
            "{\"stream_options\": { } ,\"x\":1}",
                "{\"stream\":true,\"stream_options\": {\"include_usage\":true } ,\"x\":1}",
            "{\"stream\":true,\"stream_options\":{\"y\":2}}",
                "{\"stream\":true,\"stream_options\":{\"include_usage\":true,\"y\":2}}",
            "{\"stream_options\":{\"include_usage\": false},\"stream\":null}",
                "{\"stream_options\":{\"include_usage\": true},\"stream\":true}");
    edits.forEach((before, after) ->
        assertThat(Envelope.of(before.getBytes(UTF_8)).edited(null, true))
            .asString(UTF_8)
            .isEqualTo(after));
    assertThat(
            Envelope.of("{\"model\":\"p/m\",\"stream\":false}".getBytes(UTF_8)).edited("m", true))
        .asString(UTF_8)
        .isEqualTo("{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true}");
  }
}
