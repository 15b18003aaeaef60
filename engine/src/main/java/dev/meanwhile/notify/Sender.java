package dev.meanwhile.notify;

import dev.meanwhile.store.Store;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Sends one notice once.
public interface Sender {
  /// How long sending may take, after which it has failed.
  Duration LIMIT = Duration.ofSeconds(15);

  /// Sends it; `done` is told once, on any thread, within about [#LIMIT].
  void send(Store.Due due, Consumer<Answer> done);

  /// It is given up, after `last`; on any thread.
  default void gaveUp(Store.Due due, Answer last) {}

  /// What became of it.
  ///
  /// @param kind what is to be done now
  /// @param status the HTTP status, or SMTP code, of the answer; 0 if there was none
  /// @param text what happened, for people
  /// @param retryAfter how long the endpoint wants to be left alone, or null
  record Answer(Kind kind, int status, String text, @Nullable Duration retryAfter) {}

  /// What there is to do after a notice was sent.
  enum Kind {
    /// Nothing: it arrived.
    ARRIVED,
    /// To send it again.
    FAILED,
    /// To give it up: it would be refused again.
    REFUSED,
    /// To send nothing there any more.
    GONE
  }
}
