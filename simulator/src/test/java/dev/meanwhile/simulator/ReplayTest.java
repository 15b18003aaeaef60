package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplayTest {
  @TempDir private Path directory;

  @Test
  void aStreamIsReplayedByteByByte() throws Exception {
    String payloads =
        "{\"id\":\"\",\"choices\":[]}\n[\"odd\"]\r\n{ \"content\": \"東京\" }\n\n"
            + ("{\"x\":\"" + "y".repeat(300) + "\"}\n").repeat(700);
    try (var client = replay("a.chunks.txt", payloads)) {
      String expected =
          payloads
              .lines()
              .filter(line -> !line.isEmpty())
              .map(line -> "data: " + line + "\n\n")
              .collect(Collectors.joining("", "", "data: [DONE]\n\n"));
      assertThat(Client.text(client.chat(Client.streamed("sim-fast")))).isEqualTo(expected);
      assertThat(Client.text(client.chat(Client.streamed("sim-fast:crlf"))))
          .isEqualTo(expected.replace("\n", "\r\n"));
      assertThat(Client.text(client.chat(Client.streamed("sim-fast:end-after=1"))))
          .isEqualTo("data: {\"id\":\"\",\"choices\":[]}\n\n");
      assertThat(Client.text(client.chat(Client.chat("sim-fast", "")))).contains("chat.completion");
    }
  }

  @Test
  void aPlainBodyIsReplayed() throws Exception {
    String body = "{ \"choices\" : [] }\n";
    try (var client = replay("a.json", body)) {
      var answer = client.chat(Client.chat("sim-fast", ""));
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(Client.text(answer)).isEqualTo(body);
      assertThat(Client.text(client.chat(Client.streamed("sim-fast")))).endsWith("[DONE]\n\n");
    }
  }

  @Test
  void aRecordedErrorIsOne() throws Exception {
    try (var client = replay("a.json", "{\"error\":{\"message\":\"no\"}}")) {
      assertThat(client.chat(Client.chat("sim-fast", "")).statusCode()).isEqualTo(400);
    }
  }

  @Test
  void whatIsNoRecordingIsRefusedAtTheStart() {
    assertThatThrownBy(() -> replay("a.txt", "\n")).hasMessageContaining("holds no payload");
    assertThatThrownBy(() -> replay("a.json", "{")).hasMessageContaining("is not JSON");
  }

  private Client replay(String name, String content) throws IOException {
    Path file = Files.write(directory.resolve(name), content.getBytes(UTF_8));
    return new Client(SimulatorConfig.defaults().withReplay(file));
  }
}
