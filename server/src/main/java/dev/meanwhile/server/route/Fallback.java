package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.cache.Kept;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.openai.JsonText;

/// A constant in the place of an answer that did not come in time: a log that was written before,
/// so that it is viewed as any answer is.
final class Fallback {
  private Fallback() {}

  /// @param late the run whose answer it takes the place of; its id stays the caller's handle
  static Run of(Loop loop, Run late, String text) {
    String json =
        "{\"id\":%s,\"object\":\"chat.completion\",\"created\":%d,\"model\":%s,\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":%s,\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}"
            .formatted(
                JsonText.quoted(late.id()),
                late.createdAt() / 1_000,
                JsonText.quoted(late.about().model()),
                JsonText.quoted(text));
    byte[] answer = json.getBytes(UTF_8);
    long now = loop.clock().nanos();
    var log = new RunLog(loop.clock(), now, answer.length);
    LogWriter writer = log.begin();
    writer.head(new Head(200, false, ""));
    writer.append(Kind.ANSWER, now, answer, 0, answer.length);
    writer.close(Terminal.COMPLETED, loop.clock().millis());
    return Kept.run(late.id(), late.about(), late.createdAt(), log);
  }
}
