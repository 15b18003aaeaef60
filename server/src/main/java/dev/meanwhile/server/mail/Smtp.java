package dev.meanwhile.server.mail;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.notify.Sender.Answer;
import dev.meanwhile.notify.Sender.Kind;
import dev.meanwhile.server.config.MailConfig;
import dev.meanwhile.server.config.MailTls;
import jakarta.activation.DataHandler;
import jakarta.mail.Address;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.URLName;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.util.ByteArrayDataSource;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;
import javax.net.ssl.SSLSocketFactory;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPTransport;
import org.jspecify.annotations.Nullable;

/// Hands letters to the mail server, each over a connection of its own. Blocks. Thread-safe.
final class Smtp {
  private static final int LONGEST_REPLY = 200;

  private final MailConfig mail;
  private final Session session;

  /// @param trusted makes TLS connections that trust somebody else than this JVM does; or null
  Smtp(MailConfig mail, Duration limit, @Nullable SSLSocketFactory trusted) {
    this.mail = mail;
    var properties = new Properties();
    String millis = Long.toString(limit.toMillis());
    boolean starttls = mail.tls() == MailTls.STARTTLS;
    properties.put("mail.smtp.connectiontimeout", millis);
    properties.put("mail.smtp.timeout", millis);
    properties.put("mail.smtp.ssl.enable", Boolean.toString(mail.tls() == MailTls.TLS));
    properties.put("mail.smtp.starttls.enable", Boolean.toString(starttls));
    properties.put("mail.smtp.starttls.required", Boolean.toString(starttls));
    properties.put("mail.smtp.ssl.checkserveridentity", "true");
    properties.put("mail.smtp.ssl.protocols", "TLSv1.3 TLSv1.2");
    properties.put("mail.smtp.auth", Boolean.toString(mail.username() != null));
    properties.put("mail.smtp.auth.mechanisms", "PLAIN LOGIN");
    properties.put("mail.smtp.quitwait", "false");
    // How it greets: looked up otherwise, which can take long.
    properties.put("mail.smtp.localhost", Objects.requireNonNull(mail.publicUrl().getHost()));
    if (trusted != null) {
      properties.put("mail.smtp.ssl.socketFactory", trusted);
    }
    session = Session.getInstance(properties);
  }

  /// Tries once. May be interrupted, and then fails.
  Answer send(Letter letter) {
    var transport =
        new SMTPTransport(session, new URLName("smtp", mail.host(), mail.port(), null, null, null));
    try {
      MimeMessage message = message(letter);
      transport.connect(
          mail.host(),
          mail.port(),
          mail.username(),
          mail.password() == null ? null : mail.password().reveal());
      transport.sendMessage(message, message.getAllRecipients());
      int code = transport.getLastReturnCode();
      return new Answer(Kind.ARRIVED, code, Integer.toString(code), null);
    } catch (MessagingException e) {
      return failed(letter, e);
    } finally {
      close(transport);
    }
  }

  /// However that goes, the letter is sent by then, or is not.
  private static void close(SMTPTransport transport) {
    try {
      transport.close();
    } catch (MessagingException e) {
      System.getLogger(Smtp.class.getName())
          .log(System.Logger.Level.DEBUG, "a connection to the mail server did not close", e);
    }
  }

  private MimeMessage message(Letter letter) throws MessagingException {
    var from = new InternetAddress(mail.from(), true);
    String address = from.getAddress();
    String domain = address.substring(address.indexOf('@') + 1);
    var message =
        new MimeMessage(session) {
          @Override
          protected void updateMessageID() throws MessagingException {
            setHeader("Message-ID", "<" + letter.id() + "@" + domain + ">");
          }
        };
    message.setFrom(named(from));
    message.setRecipient(Message.RecipientType.TO, new InternetAddress(letter.to(), true));
    message.setSubject(letter.subject(), UTF_8.name());
    message.setHeader(
        "Date", DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC)));
    // So that nobody's out-of-office answers it.
    message.setHeader("Auto-Submitted", "auto-generated");
    message.setDataHandler(
        new DataHandler(new ByteArrayDataSource(letter.body(), "text/plain; charset=utf-8")));
    message.setHeader("Content-Transfer-Encoding", "quoted-printable");
    message.saveChanges();
    return message;
  }

  private static Address named(InternetAddress from) {
    try {
      return from.getPersonal() == null
          ? from
          : new InternetAddress(from.getAddress(), from.getPersonal(), UTF_8.name());
    } catch (java.io.UnsupportedEncodingException e) {
      throw new IllegalStateException("this Java has no UTF-8, which every Java must have", e);
    }
  }

  /// A recipient that the server refuses for good is not tried again; all else may be the
  /// operator's to mend, or pass.
  private Answer failed(Letter letter, MessagingException failure) {
    String cause = "";
    for (Throwable each = failure; each != null; each = next(each)) {
      cause = text(letter, each);
      if (each instanceof SMTPAddressFailedException refused) {
        int code = refused.getReturnCode();
        Kind kind = code >= 500 && code < 600 ? Kind.REFUSED : Kind.FAILED;
        return new Answer(kind, code, text(letter, refused), null);
      }
    }
    String first = text(letter, failure);
    return new Answer(Kind.FAILED, 0, first.contains(cause) ? first : first + ": " + cause, null);
  }

  private static @Nullable Throwable next(Throwable failure) {
    return failure instanceof MessagingException messaging
        ? messaging.getNextException()
        : failure.getCause();
  }

  /// One line, in which nobody's address is.
  private static String text(Letter letter, Throwable failure) {
    String said =
        Objects.requireNonNullElse(failure.getMessage(), failure.getClass().getSimpleName());
    String line = said.strip().replaceAll("[\\p{Cc}\\s]+", " ");
    int at = line.toLowerCase(Locale.ROOT).indexOf(letter.to());
    while (at >= 0) {
      line = line.substring(0, at) + "…" + line.substring(at + letter.to().length());
      at = line.toLowerCase(Locale.ROOT).indexOf(letter.to());
    }
    return line.length() > LONGEST_REPLY ? line.substring(0, LONGEST_REPLY) : line;
  }
}
