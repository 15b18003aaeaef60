package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.log.Run;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.openai.ResponsesFold;
import io.vertx.core.http.HttpServerResponse;

/// Answers 202, or 200 where the caller's API has that for it: where the run is, when to come back,
/// and how it stands, in the shape that the API has for an answer without content.
final class AcceptedAnswer {
  private AcceptedAnswer() {}

  static void send(HttpServerResponse response, Run run, RunHeaders headers) {
    if (response.ended() || response.closed()) {
      return;
    }
    int status = headers.writeAccepted(response);
    byte[] body = Responses.speaks(run) ? ResponsesFold.object(run) : body(run).getBytes(UTF_8);
    Answers.send(response, status, Answers.JSON, body);
  }

  private static String body(Run run) {
    var about = run.about();
    boolean chat = about.api().equals("chat");
    return "{\"id\":"
        + JsonText.quoted(run.id())
        + ",\"object\":"
        + (chat ? "\"chat.completion\"" : "\"list\"")
        + ",\"created\":"
        + run.createdAt() / 1000
        + ",\"model\":"
        + JsonText.quoted(about.model())
        + (chat ? ",\"choices\":[]" : ",\"data\":[]")
        + ",\"status\":"
        + JsonText.quoted(run.status().word())
        + "}";
  }
}
