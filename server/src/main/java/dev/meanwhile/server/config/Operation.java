package dev.meanwhile.server.config;

import dev.meanwhile.budget.AtBudget;
import dev.meanwhile.budget.Budget;
import dev.meanwhile.budget.Deliver;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.budget.Purpose;
import dev.meanwhile.openai.ChatTemplate;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A named kind of AI work. What each value means and its range stand in [OperationOptions].
///
/// @param purpose null if it is not said
/// @param template what is asked; null: only calls that bring their own question name it
/// @param budget what its user tolerates
/// @param deliver how an answer reaches a caller that does not say
/// @param atBudget null: 202 where the caller may get it, else it goes on waiting
/// @param expire whether a call that nobody waits for is cancelled when `budget` has passed, which
///   then says a whole answer's
/// @param fallback the constant; null exactly if `atBudget` is not that
/// @param notified who gets a mail at the end of a call that names nobody, as [Mailto#parse] gives
///   it; null: nobody
/// @param cache how its answers are given again; null: they are not
/// @param supersede names of what a call and the older one have in common that it stops; empty: it
///   stops none
/// @param prefetch which of them are made before anyone asks; null: none
/// @param onLeave null: as the caller's key or the server says; so are the clocks
public record Operation(
    String name,
    @Nullable Purpose purpose,
    @Nullable ChatTemplate template,
    Budget budget,
    Deliver deliver,
    @Nullable AtBudget atBudget,
    boolean expire,
    @Nullable String fallback,
    @Nullable String notified,
    @Nullable CachePolicy cache,
    List<String> supersede,
    @Nullable PrefetchPolicy prefetch,
    @Nullable OnLeave onLeave,
    @Nullable Duration firstContentTimeout,
    @Nullable Duration betweenTimeout,
    @Nullable Duration totalTimeout) {
  public Operation {
    supersede = List.copyOf(supersede);
  }
}
