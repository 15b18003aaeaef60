package dev.meanwhile.server.route;

import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.config.Durations;
import dev.meanwhile.server.config.MailConfig;
import dev.meanwhile.server.mail.Recipient;
import dev.meanwhile.store.Told;
import io.vertx.core.MultiMap;
import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// How a caller wants its answer: `Prefer`, `Meanwhile-Budget`, `Idempotency-Key`,
/// `Meanwhile-Webhook`, `Meanwhile-Notify`.
///
/// @param async whether it says that 202 will do
/// @param patience how long it is ready to wait before that; null if it does not say
/// @param budget what its user tolerates; null if it does not say
/// @param mayDetach whether it may be answered 202 without asking for it
/// @param idempotencyKey what it names this request by, or null
/// @param told who is to be told of the end
/// @param inBackground whether its body says that nobody waits, which needs no 202
record Delivery(
    boolean async,
    @Nullable Duration patience,
    @Nullable Duration budget,
    boolean mayDetach,
    @Nullable String idempotencyKey,
    Told told,
    boolean inBackground) {
  private static final Duration LONGEST = Duration.ofDays(1);
  private static final Pattern KEY = Pattern.compile("[\\x21-\\x7e]{1,255}");

  /// A streamed call is not detached: who has the answer as it comes waits for nothing. For it the
  /// rest of `Prefer` is not applied unless it says that nobody waits at all.
  ///
  /// @param mail how mails are sent, or null if none are
  /// @throws Refusal 400 if a header is not understood
  static Delivery of(MultiMap headers, Caller caller, boolean streamed, @Nullable MailConfig mail) {
    boolean prefers = headers.contains("prefer");
    boolean async = prefers && Prefer.respondAsync(headers);
    String budget = headers.get("meanwhile-budget");
    String key = headers.get("idempotency-key");
    String webhook = headers.get("meanwhile-webhook");
    if (key != null && !KEY.matcher(key.strip()).matches()) {
      throw new Refusal(
          400,
          "invalid_idempotency_key",
          "An Idempotency-Key is 1 to 255 printable ASCII characters without spaces, such as a UUID.",
          "Idempotency-Key");
    }
    var delivery =
        new Delivery(
            async,
            prefers && Prefer.says(headers) ? Prefer.wait(headers) : null,
            budget == null ? null : budget(budget),
            caller.mayDetach() || async,
            key == null ? null : key.strip(),
            new Told(
                webhook == null ? null : webhook.strip(),
                Recipient.of(headers.getAll("meanwhile-notify"), mail)),
            false);
    return streamed && !delivery.background() ? delivery.watched() : delivery;
  }

  /// The same of a caller that has the answer as it comes.
  private Delivery watched() {
    return new Delivery(false, null, budget, false, idempotencyKey, told, inBackground);
  }

  /// The same, where nobody waits.
  Delivery ofBackground() {
    return new Delivery(async, patience, budget, mayDetach, idempotencyKey, told, true);
  }

  private static Duration budget(String text) {
    try {
      Duration budget = Durations.parse(text.strip());
      if (budget.isPositive() && budget.compareTo(LONGEST) <= 0) {
        return budget;
      }
    } catch (IllegalArgumentException e) {
      // Told below, as one that is out of range.
    }
    throw new Refusal(
        400,
        "invalid_budget",
        "Meanwhile-Budget is a duration such as 300ms or 2s, up to 24h.",
        "Meanwhile-Budget");
  }

  /// How long the caller waits before it is answered 202: zero if it does not, null if it is never
  /// answered so.
  @Nullable Duration detachAfter() {
    if (inBackground) {
      return Duration.ZERO;
    }
    if (async) {
      return patience != null ? patience : budget != null ? budget : Duration.ZERO;
    }
    return mayDetach ? budget : null;
  }

  /// Whether nobody waits.
  boolean background() {
    Duration after = detachAfter();
    return after != null && after.isZero();
  }

  /// What of `Prefer` was honoured, as `Preference-Applied` says it, for an answer of this status
  /// that took so long, in nanoseconds; null if nothing was.
  @Nullable String applied(int status, long taken) {
    String waited = patience == null ? null : "wait=" + Prefer.text(patience);
    if (status == 202) {
      return !async ? waited : waited == null ? "respond-async" : "respond-async, " + waited;
    }
    return patience == null || taken > patience.toNanos() ? null : waited;
  }
}
