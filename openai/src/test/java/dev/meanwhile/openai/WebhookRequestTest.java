package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WebhookRequestTest {
  private static WebhookRequest read(String body) {
    return WebhookRequest.of(body.getBytes(UTF_8));
  }

  @Test
  void readsWhatIsSaid() {
    WebhookRequest all =
        read(
            "{\"name\":\"n\",\"url\":\"u\",\"event_types\":[\"a\",\"b\"],\"event_type\":\"c\",\"keep_old_secret_active_for_24_hours\":true,\"other\":{}}");
    assertThat(all.name()).isEqualTo("n");
    assertThat(all.url()).isEqualTo("u");
    assertThat(all.eventTypes()).containsExactly("a", "b");
    assertThat(all.eventType()).isEqualTo("c");
    assertThat(all.keepOldSecret()).isTrue();
    for (String nothing : new String[] {"", "{}", "{\"name\":null,\"event_types\":null}"}) {
      assertThat(read(nothing).name()).isNull();
      assertThat(read(nothing).eventTypes()).isNull();
      assertThat(read(nothing).keepOldSecret()).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x",
        "[]",
        "{\"name\":1}",
        "{\"url\":[]}",
        "{\"event_types\":\"a\"}",
        "{\"event_types\":[1]}",
        "{\"keep_old_secret_active_for_24_hours\":\"yes\"}"
      })
  void refusesWhatIsWrong(String body) {
    assertThatThrownBy(() -> read(body)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void writesOpenAisThinEvent() {
    assertThat(WebhookEvent.body("evt_1", "incomplete", 1_700_000_000, "run_1", false))
        .asString(UTF_8)
        .isEqualTo(
            "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"response.incomplete\",\"created_at\":1700000000,\"data\":{\"id\":\"run_1\"}}");
    assertThat(WebhookEvent.body("evt_1", "completed", 1, "run_1", true))
        .asString(UTF_8)
        .endsWith("\"data\":{\"id\":\"run_1\",\"late\":true}}");
    assertThat(WebhookEvent.TYPES)
        .allMatch(type -> WebhookEvent.type(WebhookEvent.word(type)).equals(type));
  }
}
