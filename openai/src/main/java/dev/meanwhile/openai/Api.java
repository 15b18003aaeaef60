package dev.meanwhile.openai;

import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;

/// The APIs of this dialect whose requests are runs.
public enum Api {
  /// `POST /v1/chat/completions`
  CHAT("chat"),
  /// `POST /v1/embeddings`
  EMBEDDINGS("embeddings"),
  /// `POST /v1/responses`: made of chat calls, or relayed to an upstream that speaks it.
  RESPONSES("responses");

  private final String word;

  Api(String word) {
    this.word = word;
  }

  /// Its name in requests, logs and metrics.
  public String word() {
    return word;
  }

  /// How the log of a plain answer with status 200 ends: completed; incomplete where a choice ended
  /// by length or content filter; failed where it is not a JSON object or holds nothing but an
  /// error.
  public Terminal judge(byte[] body, int offset, int length) {
    return switch (this) {
      case CHAT -> chat(body, offset, length);
      case EMBEDDINGS -> Terminal.COMPLETED;
      case RESPONSES -> response(body, offset, length);
    };
  }

  private static Terminal response(byte[] body, int offset, int length) {
    var answer = new ResponsesEvent(_ -> {});
    try {
      answer.readAnswer(body, offset, length);
      return answer.terminal();
    } catch (MalformedJson e) {
      return notJson(e);
    }
  }

  private static Terminal notJson(MalformedJson e) {
    return Terminal.failed(
        new Failure(
            502,
            "upstream_invalid_answer",
            "the upstream's answer is not a JSON object ("
                + e.getMessage()
                + "); check that its base URL is that of an OpenAI-compatible API"));
  }

  private static Terminal chat(byte[] body, int offset, int length) {
    ChatEvent answer = new ChatEvent();
    try {
      answer.read(body, offset, length);
      return answer.terminal();
    } catch (MalformedJson e) {
      return notJson(e);
    }
  }
}
