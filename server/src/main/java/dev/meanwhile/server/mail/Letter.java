package dev.meanwhile.server.mail;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.log.Run;
import dev.meanwhile.openai.Deltas;
import dev.meanwhile.openai.WebhookEvent;
import dev.meanwhile.server.auth.SignedUrls;
import dev.meanwhile.server.auth.SignedUrls.Right;
import dev.meanwhile.server.config.MailConfig;
import dev.meanwhile.store.Notice;
import java.util.Map;

/// What a mail says.
///
/// @param id its id, the same for every try: that of the event
/// @param to the address alone
/// @param subject one line
record Letter(String id, String to, String subject, String text) {
  /// How much of an answer is in a mail, in characters.
  static final int MOST_ANSWER = 10 << 10;

  private static final String PATH = "/v1/runs/";

  /// Writes it, with a link that is good from now on.
  ///
  /// @param now in milliseconds since 1970
  static Letter of(Notice notice, Run run, MailConfig mail, SignedUrls urls, long now) {
    String path = PATH + notice.run();
    long expires = (now + mail.linkExpires().toMillis()) / 1_000;
    String signed = urls.sign(path, notice.tenant(), Right.READ, expires);
    Map<String, String> values =
        Map.of(
            "operation",
            run.about().operation() == null ? notice.api() : run.about().operation(),
            "id",
            WebhookEvent.idOf(notice.api(), notice.run()),
            "status",
            words(notice.status()),
            "url",
            mail.publicUrl() + path + "?" + SignedUrls.PARAMETER + "=" + signed);
    String text = mail.text().with(values);
    return new Letter(
        notice.event(),
        notice.endpoint().substring(Notice.MAILTO.length()),
        // A line, whatever an operation is called.
        mail.subject().with(values).replaceAll("\\p{Cc}+", " "),
        mail.includeAnswer() ? text + answer(run) : text);
  }

  private static String words(String status) {
    return switch (status) {
      case "completed" -> "is ready";
      case "failed" -> "has failed";
      case "cancelled" -> "was cancelled";
      default -> "is incomplete";
    };
  }

  private static String answer(Run run) {
    int end = run.end();
    String text = Deltas.text(run, Math.min(run.start(), end), end);
    if (text.isEmpty()) {
      return "";
    }
    if (text.length() <= MOST_ANSWER) {
      return "\n" + text + "\n";
    }
    // Not in the middle of a character, and nothing of one that was cut off.
    int cut = MOST_ANSWER - (Character.isHighSurrogate(text.charAt(MOST_ANSWER - 1)) ? 1 : 0);
    return "\n" + text.substring(0, cut) + "…\n";
  }

  /// The text as it is sent: lines end as mail wants it, and no half of a character is in it.
  byte[] body() {
    return text.replaceAll("\\r\\n?|\\n", "\r\n").getBytes(UTF_8);
  }
}
