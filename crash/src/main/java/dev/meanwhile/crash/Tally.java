package dev.meanwhile.crash;

import dev.meanwhile.crash.Campaign.Point;
import java.util.List;
import java.util.Map;

/// What came of one campaign.
///
/// @param calls how many calls the client made
/// @param promised how many of them were answered 202
/// @param unanswered how many runs there are that no answer told of
/// @param upstream how many calls reached the AI API
/// @param repeated how many of them asked what had been asked before
/// @param cut how many of them were cut by a kill, or by a cancel
/// @param refused how many of them were answered 503 on purpose
/// @param told how many ends a webhook's receiver was told of
/// @param toldAgain how many events came to it again
/// @param again milliseconds from each start to the first call that was made again
record Tally(
    String store,
    long seed,
    int kills,
    Map<Point, Integer> points,
    int calls,
    int promised,
    int unanswered,
    Map<String, Integer> statuses,
    int upstream,
    long repeated,
    long cut,
    long refused,
    int told,
    int toldAgain,
    List<Double> again,
    List<String> violations) {
  String line() {
    return "%s, seed %d: %d kills, %d calls, %d promised %s, %d kept but unanswered, %d upstream calls (%d again, %d refused on purpose), %d ends told (%d events again), first call again after %.0f ms at most (%d starts); %d violations"
        .formatted(
            store,
            seed,
            kills,
            calls,
            promised,
            statuses,
            unanswered,
            upstream,
            repeated,
            refused,
            told,
            toldAgain,
            again.stream().mapToDouble(Double::doubleValue).max().orElse(0),
            again.size(),
            violations.size());
  }
}
