package dev.meanwhile.budget;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// What an operation is for: the catalogue of what users tolerate, and of how an answer is best
/// delivered then.
@SuppressWarnings("ImmutableEnumChecker") // a record of durations
public enum Purpose {
  /// A form that is being submitted.
  FORM(Duration.ofMillis(500), null, Deliver.SYNC),
  /// Results of a search.
  SEARCH(Duration.ofMillis(800), null, Deliver.SYNC),
  /// A page that is being opened.
  PAGE(Duration.ofSeconds(1), null, Deliver.SYNC),
  /// A conversation.
  CHAT(Duration.ofSeconds(1), Duration.ofMillis(500), Deliver.STREAM),
  /// A text that somebody reads while it is written.
  STREAM(null, Duration.ofMillis(500), Deliver.STREAM),
  /// Work nobody waits for.
  BACKGROUND(Duration.ofMinutes(1), null, Deliver.ASYNC),
  /// A report that is fetched later.
  REPORT(Duration.ofMinutes(5), null, Deliver.ASYNC),
  /// One of very many.
  BATCH(Duration.ofHours(24), null, Deliver.ASYNC);

  private final Budget budget;
  private final Deliver deliver;

  Purpose(@Nullable Duration total, @Nullable Duration firstToken, Deliver deliver) {
    this.budget = new Budget(total, firstToken);
    this.deliver = deliver;
  }

  /// What its user tolerates.
  public Budget budget() {
    return budget;
  }

  /// How it is delivered unless somebody says otherwise.
  public Deliver deliver() {
    return deliver;
  }
}
