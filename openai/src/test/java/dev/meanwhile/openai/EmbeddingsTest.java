package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.testkit.Seeds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddingsTest {
  private static String convert(String answer, String format) {
    return new String(Embeddings.inFormat(answer.getBytes(UTF_8), format.equals("base64")), UTF_8);
  }

  private static String base64(float... numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(numbers.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (float number : numbers) {
      bytes.putFloat(number);
    }
    return Base64.getEncoder().encodeToString(bytes.array());
  }

  @Test
  void convertsBothWaysAndLeavesTheRest() {
    String floats =
        "{ \"data\":[ {\"embedding\": [0.1,-2.5E7, 1],\"x\":1e0} ,{\"index\":1,\"embedding\":[]}],"
            + "\"embedding\":[7]}";
    String strings =
        "{ \"data\":[ {\"embedding\": \""
            + base64(0.1f, -2.5e7f, 1f)
            + "\",\"x\":1e0} ,{\"index\":1,\"embedding\":\"\"}],\"embedding\":[7]}";
    assertThat(convert(floats, "base64")).isEqualTo(strings);
    assertThat(convert(strings, "float"))
        .isEqualTo(floats.replace("[0.1,-2.5E7, 1]", "[0.1,-2.5E7,1.0]"));
  }

  @Test
  void readsEscapedBase64() {
    String answer = "{\"data\":[{\"embedding\":\"AAD\\/\\u0041Q==\"}]}";
    String plain = "{\"data\":[{\"embedding\":\"AAD/AQ==\"}]}";
    assertThat(convert(answer, "float")).isEqualTo(convert(plain, "float")).contains("[");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"data\":[{\"embedding\":\"AAAA\"}]}",
        "{\"data\":[{\"embedding\":\"AAAAAA==\"},{\"embedding\":\"*\"}]}",
        "{\"data\":[{\"embedding\":\"AADAfw==\"}]}",
        "{\"data\":[{\"embedding\":[1]}]}",
        "{\"data\":[{\"embedding\":\"AAAAAA==\"}]",
        "{\"data\":7}",
        "<html>"
      })
  void leavesWhatItCannotReadAlone(String answer) {
    byte[] bytes = answer.getBytes(UTF_8);
    assertThat(Embeddings.inFormat(bytes, false)).isSameAs(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"data\":[{\"embedding\":[1,[2]]}]}",
        "{\"data\":[{\"embedding\":[1e39]}]}",
        "{\"data\":[{\"embedding\":\"AAAAAA==\"}]}"
      })
  void leavesWhatIsNoFloatAlone(String answer) {
    byte[] bytes = answer.getBytes(UTF_8);
    assertThat(Embeddings.inFormat(bytes, true)).isSameAs(bytes);
  }

  @Test
  void anyFloatSurvives() {
    Seeds.check(
        2000,
        random -> {
          float[] numbers = new float[random.nextInt(20) + 1];
          for (int i = 0; i < numbers.length; i++) {
            float any = Float.intBitsToFloat(random.nextInt());
            numbers[i] = Float.isFinite(any) ? any : 0.1f;
          }
          String answer = "{\"data\":[{\"embedding\":\"" + base64(numbers) + "\"}]}";
          String floats = convert(answer, "float");
          assertThat(floats).isNotEqualTo(answer);
          new JsonScanner().reset(floats.getBytes(UTF_8), 0, floats.length()).finish();
          assertThat(convert(floats, "base64")).isEqualTo(answer);
        });
  }

  @Test
  void recordingSurvives() {
    for (Path file : Recordings.embeddings()) {
      byte[] answer = Recordings.text(file).getBytes(UTF_8);
      byte[] base64 = Embeddings.inFormat(answer, true);
      assertThat(base64).isNotEqualTo(answer);
      String compact = new String(answer, UTF_8).replaceAll("\\s", "");
      byte[] back = Embeddings.inFormat(base64, false);
      assertThat(new String(back, UTF_8).replaceAll("\\s", "")).isEqualTo(compact);
    }
  }
}
