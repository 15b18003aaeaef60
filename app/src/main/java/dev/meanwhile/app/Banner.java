package dev.meanwhile.app;

import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.UpstreamConfig;
import java.io.Console;
import java.io.PrintStream;

/// What a person sees when a server has started.
final class Banner {
  private static final String BOLD = "\u001b[1m";
  private static final String DIM = "\u001b[2m";
  private static final String PLAIN = "\u001b[0m";

  private Banner() {}

  static void serving(PrintStream out, Config config, int port) {
    out.println(bold("Meanwhile " + Version.text()) + " on " + bold(url(config, port) + "/v1"));
    boolean first = true;
    for (UpstreamConfig each : config.upstreams().values()) {
      out.println(
          "  upstream %-10s %s%s"
              .formatted(
                  each.name(),
                  each.baseUrl(),
                  first ? "" : dim("  (models " + each.name() + "/…)")));
      first = false;
    }
    out.println(
        config.keys().isEmpty()
            ? "  keys     none: callers' own credentials go upstream"
            : "  keys     " + config.keys().size());
    out.println(dim("One line per run on standard output. Ctrl-C stops."));
  }

  static void demo(PrintStream out, Config config, int port) {
    String url = url(config, port);
    out.println(
        bold("Meanwhile " + Version.text())
            + " on "
            + bold(url + "/v1")
            + ", a simulated AI API behind it.");
    out.println();
    out.println(bold("Try it with curl") + " (the first words come after about a second):");
    out.println();
    out.println("  curl -N " + url + "/v1/chat/completions -H 'content-type: application/json' \\");
    out.println(
        "    -d '{\"model\":\"sim-standard\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'");
    out.println();
    out.println(
        bold("or with any OpenAI SDK")
            + ", here Node's (npm install openai), by changing its base URL only:");
    out.println();
    out.println(
        "  OPENAI_BASE_URL="
            + url
            + "/v1 OPENAI_API_KEY=any node -e 'import(\"openai\").then(async ({default: OpenAI}) => console.log((await new OpenAI().chat.completions.create({model: \"sim-fast\", messages: [{role: \"user\", content: \"Hello\"}]})).choices[0].message.content))'");
    out.println();
    out.println(
        dim(
            "Models: sim-fast, sim-standard, sim-complex, sim-vision, sim-embedding. One line per run follows. Ctrl-C stops."));
  }

  private static String url(Config config, int port) {
    var server = config.server();
    String host =
        server.loopback() && server.bind().equals("127.0.0.1") ? "localhost" : server.bind();
    return (server.tlsCert() == null ? "http" : "https")
        + "://"
        + (host.contains(":") ? "[" + host + "]" : host)
        + ":"
        + port;
  }

  private static String bold(String text) {
    return colours() ? BOLD + text + PLAIN : text;
  }

  private static String dim(String text) {
    return colours() ? DIM + text + PLAIN : text;
  }

  @SuppressWarnings("SystemConsoleNull") // it is null where the JDK's console module is absent
  private static boolean colours() {
    Console console = System.console();
    return console != null && console.isTerminal() && System.getenv("NO_COLOR") == null;
  }
}
