package dev.meanwhile.server.mail;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.server.config.MailConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Configurations and runs of these tests.
final class Mails {
  private Mails() {}

  /// @param server more of the section `server`
  /// @param mail more of the section `mail`, each `, name: value`
  static MailConfig config(String server, String mail) {
    String host = mail.contains("host:") ? "" : ", host: localhost";
    String yaml =
        """
        server: {public-url: https://ai.example.com/base/%s}
        upstreams: {only: {base-url: http://localhost:1/v1}}
        mail: {from: "Meanwhile <ai@example.com>", allowed-domains: [Example.com, sub.example.org]%s%s}
        """
            .formatted(server, host, mail);
    try {
      Path file = Files.createTempFile("meanwhile", ".yaml");
      try {
        Files.writeString(file, yaml);
        return Objects.requireNonNull(ConfigReader.read(file, Map.of(), Map.of()).mail());
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A chat run that said `text`, in as many events as it has words.
  static Run run(String text) {
    var log = new RunLog(Runnable::run, 0, 1 << 24);
    LogWriter writer = log.begin();
    for (String word : text.split("(?<= )", -1)) {
      byte[] event =
          ("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + word + "\"}}]}\n\n")
              .getBytes(UTF_8);
      writer.append(Kind.CONTENT, 0, event, 0, event.length);
    }
    writer.publish();
    writer.close(Terminal.COMPLETED, 2_000);
    var about = new Run.About("shop", "chat", "u", "m", true, false, false, null, false, null, 0);
    return new Run(
        "run_1",
        about,
        1_000,
        log,
        new Run.Owner() {
          @Override
          public void left() {}

          @Override
          public void returned() {}

          @Override
          public void cancel(Terminal how) {}

          @Override
          public void keep(Consumer<@Nullable String> done) {}
        });
  }
}
