package dev.meanwhile.server;

import dev.meanwhile.notify.Sender;
import dev.meanwhile.server.mail.MailSender;
import dev.meanwhile.server.telemetry.Metrics;
import dev.meanwhile.server.webhook.HttpSender;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Store;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Sends each notice as what it is, and tells the operator what became of it. Of a webhook the list
/// of deliveries tells its owner too; of a mail nothing else does.
final class Senders implements Sender {
  private static final Logger LOG = System.getLogger(Senders.class.getName());
  private static final Answer NO_MAIL =
      new Answer(Kind.FAILED, 0, "this server sends no mail: it has no section `mail`", null);

  private final HttpSender webhooks;
  private final @Nullable MailSender mail;
  private final Metrics metrics;

  Senders(HttpSender webhooks, @Nullable MailSender mail, Metrics metrics) {
    this.webhooks = webhooks;
    this.mail = mail;
    this.metrics = metrics;
  }

  @Override
  public void send(Store.Due due, Consumer<Answer> done) {
    Consumer<Answer> counted =
        answer -> {
          metrics.notice(kind(due.notice()), answer.kind() == Kind.ARRIVED ? "arrived" : "failed");
          done.accept(answer);
        };
    if (!due.notice().isMail()) {
      webhooks.send(due, counted);
    } else if (mail != null) {
      mail.send(due, counted);
    } else {
      counted.accept(NO_MAIL);
    }
  }

  @Override
  public void gaveUp(Store.Due due, Answer last) {
    Notice notice = due.notice();
    metrics.notice(kind(notice), "given_up");
    if (notice.isMail()) {
      // Whom it was for is between the caller and the store.
      LOG.log(
          Level.WARNING,
          "The mail {0} that tells of {1} was given up after {2} tries: {3}",
          notice.event(),
          notice.run(),
          Integer.toString(notice.tries() + 1),
          last.text());
    }
  }

  private static String kind(Notice notice) {
    return notice.isMail() ? "mail" : "webhook";
  }
}
