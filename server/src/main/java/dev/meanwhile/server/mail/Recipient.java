package dev.meanwhile.server.mail;

import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.config.MailConfig;
import dev.meanwhile.server.config.Mailto;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Who is to get a mail, as a caller says it: `mailto:ann@example.com`.
public final class Recipient {
  private static final String HEADER = "Meanwhile-Notify";

  private Recipient() {}

  /// Reads what a caller has said.
  ///
  /// @param said what it said, once for each header
  /// @param mail how mails are sent, or null if none are
  /// @return as a notice has it; null if nothing was said
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
    String recipient = said.size() > 1 ? null : parse(said.getFirst());
    if (recipient == null) {
      throw new Refusal(
          400,
          "invalid_notify",
          "Meanwhile-Notify is mailto: and one plain address of at most %d characters, such as mailto:ann@example.com."
              .formatted(Mailto.LONGEST),
          HEADER);
    }
    if (!mail.allowedDomains().contains(Mailto.domain(recipient))) {
      throw new Refusal(
          400,
          "recipient_not_allowed",
          "This server sends no mail to addresses of this domain. Its operator lists those it does as allowed-domains of `mail`.",
          HEADER);
    }
    return recipient;
  }

  private static @Nullable String parse(String said) {
    try {
      return Mailto.parse(said);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
