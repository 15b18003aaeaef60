package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.dispatch.Listed;
import dev.meanwhile.log.Status;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.store.Store;
import io.vertx.core.http.HttpServerRequest;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `GET /v1/runs?status=&since=&after=&limit=&tenant=`: promised runs, newest first, a page at a
/// time.
final class ListRoute {
  private static final int USUAL = 20;
  private static final int MOST = 100;

  private final Loop loop;

  ListRoute(Loop loop) {
    this.loop = loop;
  }

  void handle(HttpServerRequest request, Caller caller) {
    Page page = Page.of(request, USUAL, MOST);
    String status = request.getParam("status");
    List<String> words = Arrays.stream(Status.values()).map(Status::word).toList();
    if (status != null && !words.contains(status)) {
      throw new Refusal(
          400,
          "invalid_parameter",
          "`status` is one of " + String.join(", ", words) + ".",
          "status");
    }
    long since = Page.number(request, "since", -1, 1L << 40);
    boolean all = "*".equals(request.getParam("tenant"));
    if (all) {
      loop.authenticator().requireAdmin(request);
    }
    var query =
        new Store.Query(
            all ? null : caller.tenant(),
            status,
            since < 0 ? null : since * 1_000,
            page.after(),
            page.limit() + 1);
    loop.dispatcher()
        .list(
            query,
            new Store.Reply<>() {
              @Override
              public void is(List<Listed> runs) {
                Answers.send(
                    request.response(),
                    200,
                    Answers.JSON,
                    page.of(runs, Listed::id, ListRoute::line).getBytes(UTF_8));
              }

              @Override
              public void failed(String trouble) {
                var failure = RunRoute.storeUnavailable(trouble);
                Answers.refuse(
                    request.response(),
                    new Refusal(failure.status(), failure.code(), failure.message()),
                    true);
              }
            });
  }

  private static String line(Listed run) {
    return "{\"id\":"
        + JsonText.quoted(run.id())
        + ",\"object\":\"run\",\"status\":"
        + JsonText.quoted(run.status())
        + ",\"model\":"
        + JsonText.quoted(nullIfEmpty(run.about().model()))
        + ",\"created_at\":"
        + run.createdAt() / 1_000
        + ",\"completed_at\":"
        + (run.endedAt() == 0 ? "null" : Long.toString(run.endedAt() / 1_000))
        + ",\"budget\":"
        + Snapshot.budget(run.about(), run.createdAt(), run.endedAt())
        + ",\"attempt\":"
        + run.attempt()
        + "}";
  }

  private static @Nullable String nullIfEmpty(String text) {
    return text.isEmpty() ? null : text;
  }
}
