package dev.meanwhile.server.mail;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Run;
import dev.meanwhile.notify.Sender;
import dev.meanwhile.server.auth.SignedUrls;
import dev.meanwhile.server.config.MailConfig;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Store;
import java.time.Duration;
import java.util.function.Consumer;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/// Sends notices as mails, each on a virtual thread of its own. Nothing of it is loaded before the
/// first mail.
public final class MailSender implements Sender {
  private final Clock clock;
  private final MailConfig mail;
  private final SignedUrls urls;
  private final Runs runs;
  private final Duration limit;
  private final @Nullable SSLSocketFactory trusted;
  private @Nullable Smtp smtp;

  /// Where the run is found that a mail tells of.
  public interface Runs {
    /// Looks for it; `found` is told on any thread.
    void find(String id, String tenant, Store.Reply<@Nullable Run> found);
  }

  /// @param clock of the loop that waits for the mail server
  public MailSender(Clock clock, MailConfig mail, SignedUrls urls, Runs runs) {
    this(clock, mail, urls, runs, LIMIT, null);
  }

  /// The same, with a limit of a test's own, and whom it trusts.
  MailSender(
      Clock clock,
      MailConfig mail,
      SignedUrls urls,
      Runs runs,
      Duration limit,
      @Nullable SSLSocketFactory trusted) {
    this.clock = clock;
    this.mail = mail;
    this.urls = urls;
    this.runs = runs;
    this.limit = limit;
    this.trusted = trusted;
  }

  @Override
  public void send(Store.Due due, Consumer<Answer> done) {
    clock.execute(() -> new Try(due.notice(), done).begin());
  }

  private static Answer answer(Kind kind, String text) {
    return new Answer(kind, 0, text, null);
  }

  /// Only on the loop.
  private Smtp smtp() {
    if (smtp == null) {
      smtp = new Smtp(mail, limit, trusted);
    }
    return smtp;
  }

  /// One try. Only on the loop, but for what the thread does.
  private final class Try implements Store.Reply<@Nullable Run> {
    private final Notice notice;
    private final Consumer<Answer> done;
    private final Clock.Timer timer;
    private @Nullable Thread thread;
    private boolean over;

    Try(Notice notice, Consumer<Answer> done) {
      this.notice = notice;
      this.done = done;
      this.timer = clock.after(limit, this::tooLate);
    }

    void begin() {
      runs.find(notice.run(), notice.tenant(), this);
    }

    @Override
    public void is(@Nullable Run run) {
      clock.execute(() -> {
        if (run == null) {
          end(
              answer(
                  Kind.REFUSED, "the run is kept no longer, and with it what the mail leads to"));
        } else if (!over) {
          Letter letter = Letter.of(notice, run, mail, urls, clock.millis());
          Smtp by = smtp();
          thread = Thread.ofVirtual().name("mail").start(() -> say(letter, by));
        }
      });
    }

    @Override
    public void failed(String trouble) {
      clock.execute(() -> end(answer(Kind.FAILED, trouble)));
    }

    private void say(Letter letter, Smtp by) {
      Answer answer;
      try {
        answer = by.send(letter);
      } catch (RuntimeException e) {
        answer = answer(Kind.FAILED, "the mail could not be written: " + e.getClass().getName());
      }
      Answer told = answer;
      clock.execute(() -> end(told));
    }

    private void tooLate() {
      end(answer(Kind.FAILED, "no answer within " + limit.toSeconds() + " s"));
      if (thread != null) {
        // Which closes its connection.
        thread.interrupt();
      }
    }

    private void end(Answer answer) {
      timer.cancel();
      if (!over) {
        over = true;
        done.accept(answer);
      }
    }
  }
}
