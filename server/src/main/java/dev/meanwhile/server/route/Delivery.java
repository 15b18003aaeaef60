package dev.meanwhile.server.route;

import dev.meanwhile.budget.AtBudget;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.config.Durations;
import dev.meanwhile.server.config.MailConfig;
import dev.meanwhile.server.config.Operation;
import dev.meanwhile.server.mail.Recipient;
import dev.meanwhile.store.Told;
import io.vertx.core.MultiMap;
import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// How a caller gets its answer: `Prefer`, `Meanwhile-Budget`, `Idempotency-Key`,
/// `Meanwhile-Webhook`, `Meanwhile-Notify`, and what the operation that it calls says.
///
/// @param prefers whether it says that 202 will do
/// @param async whether it does, or the operation says so that it calls
/// @param patience how long it is ready to wait before that; null if it does not say
/// @param later whether the operation says that nobody waits
/// @param budget what its user tolerates; null if it does not say
/// @param whole what is tolerated to the end of the work, or null
/// @param atBudget what it gets when its budget runs out, unless it says itself that 202 will do
/// @param idempotencyKey what it names this request by, or null
/// @param told who is to be told of the end
/// @param inBackground whether its body says that nobody waits, which needs no 202
record Delivery(
    boolean prefers,
    boolean async,
    @Nullable Duration patience,
    boolean later,
    @Nullable Duration budget,
    @Nullable Duration whole,
    AtBudget atBudget,
    @Nullable String idempotencyKey,
    Told told,
    boolean inBackground) {
  private static final Duration LONGEST = Duration.ofDays(1);
  private static final Pattern KEY = Pattern.compile("[\\x21-\\x7e]{1,255}");

  /// A streamed call is not detached: who has the answer as it comes waits for nothing. For it the
  /// rest of `Prefer` is not applied unless it says that nobody waits at all.
  ///
  /// @param operation what is called, or null
  /// @param later whether it says that nobody waits; then its budget is for the work, not for a
  ///   caller
  /// @param mail how mails are sent, or null if none are
  /// @throws Refusal 400 if a header is not understood
  static Delivery of(
      MultiMap headers,
      Caller caller,
      boolean streamed,
      @Nullable Operation operation,
      boolean later,
      @Nullable MailConfig mail) {
    boolean says = headers.contains("prefer");
    boolean prefers = says && Prefer.respondAsync(headers);
    String given = headers.get("meanwhile-budget");
    Duration said = given == null ? null : budget(given);
    Duration total = operation == null ? null : operation.budget().total();
    Duration own = operation != null && streamed ? operation.budget().firstToken() : total;
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
            prefers,
            later || prefers,
            says && Prefer.says(headers) ? Prefer.wait(headers) : null,
            later,
            later ? null : shorter(said, own),
            shorter(said, total),
            atBudget(caller, operation),
            key == null ? null : key.strip(),
            new Told(webhook == null ? null : webhook.strip(), recipient(headers, operation, mail)),
            false);
    return delivery.background()
        ? delivery.unwatched(false)
        : streamed ? delivery.watched() : delivery;
  }

  private static @Nullable String recipient(
      MultiMap headers, @Nullable Operation operation, @Nullable MailConfig mail) {
    String said = Recipient.of(headers.getAll("meanwhile-notify"), mail);
    return said != null || operation == null ? said : operation.notified();
  }

  private static AtBudget atBudget(Caller caller, @Nullable Operation operation) {
    AtBudget said = operation == null ? null : operation.atBudget();
    return said != null ? said : caller.mayDetach() ? AtBudget.DETACH : AtBudget.WAIT;
  }

  private static @Nullable Duration shorter(@Nullable Duration a, @Nullable Duration b) {
    return a == null || b != null && b.compareTo(a) < 0 ? b : a;
  }

  /// A look at a run that is there: of no budget.
  ///
  /// @param patience how long it waits for the end, or null
  static Delivery ofLook(@Nullable Duration patience) {
    return new Delivery(
        false, false, patience, false, null, null, AtBudget.WAIT, null, Told.NOBODY, false);
  }

  /// The same of a caller that has the answer as it comes.
  private Delivery watched() {
    return new Delivery(
        false,
        false,
        null,
        later,
        budget,
        whole,
        AtBudget.WAIT,
        idempotencyKey,
        told,
        inBackground);
  }

  /// The same, where nobody waits because the body says so.
  Delivery ofBackground() {
    return unwatched(true);
  }

  /// The same of a caller that waits for nothing.
  private Delivery unwatched(boolean background) {
    return new Delivery(
        prefers, async, patience, later, null, whole, atBudget, idempotencyKey, told, background);
  }

  /// In what time the work should end, where nobody waits; null if that is not said.
  @Nullable Duration work() {
    return later || background() ? whole : null;
  }

  /// The same, for a call that cannot outlive its request: 202 only where its caller insists.
  Delivery bound() {
    return async || atBudget != AtBudget.DETACH
        ? this
        : new Delivery(
            false,
            false,
            patience,
            later,
            budget,
            whole,
            AtBudget.WAIT,
            idempotencyKey,
            told,
            inBackground);
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
    return atBudget == AtBudget.DETACH ? budget : null;
  }

  /// How long the caller waits before it gets something in the answer's place, without a 202; null
  /// if it never does.
  @Nullable Duration giveUpAfter() {
    boolean gives =
        atBudget == AtBudget.FAIL
            || atBudget == AtBudget.FALLBACK_VALUE
            || atBudget == AtBudget.STALE;
    return gives && !async && !inBackground ? budget : null;
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
      return !prefers ? waited : waited == null ? "respond-async" : "respond-async, " + waited;
    }
    return patience == null || taken > patience.toNanos() ? null : waited;
  }
}
