package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.RunLog;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeltasTest {
  private static List<String> of(String data) {
    return Deltas.of(Kind.CONTENT, ("event: x\ndata: " + data + "\n\n").getBytes(UTF_8));
  }

  @Test
  void saysWhatAUserGets() {
    assertThat(of("{\"choices\":[{\"delta\":{\"content\":\"a\\n\\u00e9é\"},\"index\":2}]}"))
        .containsExactly("{\"index\":2,\"text\":\"a\\n\\u00e9é\"}");
    assertThat(of("{\"choices\":[{\"delta\":{\"reasoning\":\"r\",\"reasoning_content\":\"r\"}}]}"))
        .containsExactly("{\"index\":0,\"reasoning\":\"r\"}");
    assertThat(of("{\"choices\":[{\"delta\":{\"refusal\":\"no\",\"content\":\"\"}}]}"))
        .containsExactly("{\"index\":0,\"refusal\":\"no\"}");
    assertThat(
            of(
                "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"a\"}, {\"index\":2}]}}]}"))
        .containsExactly(
            "{\"index\":0,\"tool_call\":{\"index\":1,\"id\":\"a\"}}",
            "{\"index\":0,\"tool_call\":{\"index\":2}}");
  }

  @Test
  void readsParts() {
    assertThat(
            of(
                "{\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":"
                    + "[{\"type\":\"text\",\"text\":\"hm\"}]},{\"type\":\"text\",\"text\":\"4\"}]}}]}"))
        .containsExactly("{\"index\":0,\"reasoning\":\"hm\"}", "{\"index\":0,\"text\":\"4\"}");
  }

  @Test
  void saysNothingElse() {
    assertThat(of("{\"choices\":[{\"delta\":{\"content\":\"\",\"audio\":{\"data\":\"x\"}}}]}"))
        .isEmpty();
    assertThat(of("[DONE]")).isEmpty();
    assertThat(of("{\"choices\":7}")).isEmpty();
    assertThat(Deltas.of(Kind.FRAME, "data: {}\n\n".getBytes(UTF_8))).isEmpty();
  }

  @Test
  void readsPlainAnswersOnOneLine() {
    String answer =
        """
        {"choices": [{"index": 0, "message": {"content": "Hi", "tool_calls": [{
          "id": "a"
        }]}}]}
        """;
    assertThat(Deltas.of(Kind.ANSWER, answer.getBytes(UTF_8)))
        .containsExactly(
            "{\"index\":0,\"text\":\"Hi\"}", "{\"index\":0,\"tool_call\":{   \"id\": \"a\" }}");
  }

  @Test
  void textIsThatOfTheFirstChoice() {
    RunLog log = new RunLog(Runnable::run, 0, 1000);
    LogWriter writer = log.begin();
    for (String piece : List.of("\\ud83d", "\\ude0a", "é")) {
      for (int index = 0; index < 2; index++) {
        String frame =
            "data: {\"choices\":[{\"index\":"
                + index
                + ",\"delta\":{\"content\":\""
                + piece
                + "\"}}]}\n\n";
        byte[] bytes = frame.getBytes(UTF_8);
        writer.append(Kind.CONTENT, 0, bytes, 0, bytes.length);
      }
    }
    writer.publish();
    assertThat(Deltas.text(log, 0, log.end())).isEqualTo("😊é");
    assertThat(Deltas.text(log, 4, 6)).isEqualTo("é");
    assertThat(Deltas.text(log, 0, 0)).isEmpty();
  }

  @Test
  void textOfAPlainAnswer() {
    RunLog log = new RunLog(Runnable::run, 0, 1000);
    LogWriter writer = log.begin();
    byte[] answer = "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}".getBytes(UTF_8);
    writer.append(Kind.ANSWER, 0, answer, 0, answer.length);
    writer.publish();
    assertThat(Deltas.text(log, 0, 1)).isEqualTo("Hi");
    assertThat(ChatFold.of(log, 0, 1)).isEqualTo(answer);
  }
}
