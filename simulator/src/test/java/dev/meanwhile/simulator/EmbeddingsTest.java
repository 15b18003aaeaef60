package dev.meanwhile.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class EmbeddingsTest {
  private final Client client = new Client(SimulatorConfig.defaults());

  @AfterEach
  void stop() {
    client.close();
  }

  @Test
  void bothFormatsSayTheSame() throws Exception {
    JsonNode floats = embed("\"input\":[\"one\",\"two\",\"one\"],\"dimensions\":8");
    JsonNode base64 = embed("\"input\":\"two\",\"dimensions\":8,\"encoding_format\":\"base64\"");
    assertThat(floats.path("data")).hasSize(3);
    assertThat(floats.at("/data/0/embedding")).isEqualTo(floats.at("/data/2/embedding"));
    assertThat(floats.at("/data/0/embedding")).isNotEqualTo(floats.at("/data/1/embedding"));
    byte[] bytes = Base64.getDecoder().decode(base64.at("/data/0/embedding").asString());
    var decoded = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    double squares = 0;
    for (int i = 0; i < 8; i++) {
      assertThat(decoded.get(i)).isEqualTo(floats.at("/data/1/embedding/" + i).floatValue());
      squares += decoded.get(i) * decoded.get(i);
    }
    assertThat(squares).isCloseTo(1, within(1e-5));
  }

  @Test
  void tokensMayStandForText() throws Exception {
    assertThat(embed("\"input\":[1,2,3]").path("data")).hasSize(1);
    assertThat(embed("\"input\":[[1,2],[3]]").path("data")).hasSize(2);
    assertThat(embed("\"input\":[1,2,3]").at("/data/0/embedding")).hasSize(1_536);
  }

  @Test
  void otherInputIsRefused() throws Exception {
    for (String input :
        new String[] {"\"input\":[]", "\"input\":{}", "\"x\":1", "\"input\":[{}]"}) {
      assertThat(post("sim-embedding", input).statusCode()).as(input).isEqualTo(400);
    }
    assertThat(post("sim-fast", "\"input\":\"a\"").statusCode()).isEqualTo(400);
  }

  private JsonNode embed(String members) throws Exception {
    return Client.json(post("sim-embedding", members));
  }

  private java.net.http.HttpResponse<byte[]> post(String model, String members) throws Exception {
    return client.post("/v1/embeddings", "{\"model\":\"" + model + "\"," + members + "}");
  }
}
