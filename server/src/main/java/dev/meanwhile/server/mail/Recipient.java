package dev.meanwhile.server.mail;

import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.config.MailConfig;
import dev.meanwhile.store.Notice;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Who is to get a mail, as a caller says it: `mailto:ann@example.com`.
public final class Recipient {
  private static final String HEADER = "Meanwhile-Notify";
  private static final int LONGEST = 254;
  private static final String LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";

  // Less than the standards allow: nothing that is quoted, encoded, a list or a parameter anywhere.
  private static final Pattern ADDRESS =
      Pattern.compile(
          "(?=[^@]{1,64}@)[a-z0-9_+=~'&-]+(?:\\.[a-z0-9_+=~'&-]+)*@"
              + LABEL
              + "(?:\\."
              + LABEL
              + ")*");

  private Recipient() {}

  /// Reads what a caller has said.
  ///
  /// @param said what it said, once for each header
  /// @param mail how mails are sent, or null if none are
  /// @return as a notice has it, in lower case, so that a recipient is counted once however it is
  ///   written; null if nothing was said
  /// @throws Refusal 400 if it is not understood or not allowed
  public static @Nullable String of(List<String> said, @Nullable MailConfig mail) {
    if (said.isEmpty()) {
      return null;
    }
    if (mail == null) {
      throw new Refusal(
          400,
          "mail_not_configured",
          "This server sends no mail. Add a section `mail` to its configuration, or leave Meanwhile-Notify out.",
          HEADER);
    }
    String text = said.getFirst().strip().toLowerCase(Locale.ROOT);
    String address = text.startsWith(Notice.MAILTO) ? text.substring(Notice.MAILTO.length()) : "";
    if (said.size() > 1 || address.length() > LONGEST || !ADDRESS.matcher(address).matches()) {
      throw new Refusal(
          400,
          "invalid_notify",
          "Meanwhile-Notify is mailto: and one plain address of at most %d characters, such as mailto:ann@example.com."
              .formatted(LONGEST),
          HEADER);
    }
    if (!mail.allowedDomains().contains(address.substring(address.indexOf('@') + 1))) {
      throw new Refusal(
          400,
          "recipient_not_allowed",
          "This server sends no mail to addresses of this domain. Its operator lists those it does as allowed-domains of `mail`.",
          HEADER);
    }
    return Notice.MAILTO + address;
  }
}
