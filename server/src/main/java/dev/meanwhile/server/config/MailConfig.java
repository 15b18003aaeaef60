package dev.meanwhile.server.config;

import dev.meanwhile.openai.Template;
import java.net.URI;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The `mail` section: by which server, and to whom, mails are sent that tell of the ends of runs.
///
/// @param publicUrl what the link in a mail begins with, without a slash at its end
/// @param port 1 to 65535
/// @param username null exactly if `password` is null
/// @param from whom mails come from: an address, or a name and an address in angle brackets
/// @param allowedDomains in lower case, not empty
/// @param perRecipient how many mails one address gets within an hour, at least 1
/// @param includeAnswer whether the answer's text is in the mail
/// @param linkExpires how long the link is good for
public record MailConfig(
    URI publicUrl,
    String host,
    int port,
    MailTls tls,
    @Nullable String username,
    @Nullable Secret password,
    String from,
    Set<String> allowedDomains,
    int perRecipient,
    Template subject,
    Template text,
    boolean includeAnswer,
    Duration linkExpires) {
  public MailConfig {
    allowedDomains = Set.copyOf(allowedDomains);
  }
}
