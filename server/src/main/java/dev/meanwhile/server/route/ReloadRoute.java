package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.ConfigException;
import io.vertx.core.http.HttpServerRequest;

/// `POST /v1/reload`: the configuration is read anew, as SIGHUP does.
final class ReloadRoute {
  private final Loop loop;

  ReloadRoute(Loop loop) {
    this.loop = loop;
  }

  void handle(HttpServerRequest request) {
    loop.authenticator().requireAdmin(request);
    // Files are nothing for an event loop.
    Thread.ofPlatform()
        .daemon()
        .name("reload")
        .start(() -> {
          Runnable answer = read(request);
          loop.clock().execute(answer);
        });
  }

  private Runnable read(HttpServerRequest request) {
    try {
      Config config = loop.current().reload();
      String json =
          "{\"object\":\"configuration\",\"operations\":%d,\"keys\":%d}"
              .formatted(config.operations().size(), config.keys().size());
      return () -> Answers.send(request.response(), 200, Answers.JSON, json.getBytes(UTF_8));
    } catch (ConfigException e) {
      var refusal =
          new Refusal(
              400,
              "invalid_configuration",
              "Nothing was changed. " + String.join("\n", e.errors()));
      return () -> Answers.refuse(request.response(), refusal, false);
    } catch (RuntimeException e) {
      return () -> Answers.fault(request, e, false);
    }
  }
}
