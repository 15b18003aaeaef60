package dev.meanwhile.prefetch;

import java.util.List;

/// A key and what is known of it.
final class Candidate {
  final List<String> values;

  /// Decides between equals: the same in every run of the same history.
  final long number;

  final Fading visits;

  /// When it became known, by the evened clock.
  final double born;

  long lastVisit;

  /// When it is looked at next.
  long due;

  /// Until when its answer counts as fresh; 0 if there is none.
  long freshUntil;

  /// The bin of the forecast that is under way, or -1; until when it looks; whether it came true.
  int bin = -1;

  long forecastEnd;
  boolean wanted;

  /// Decided to be prefetched, and neither read nor given up since.
  boolean outstanding;

  /// What was set aside for the prefetch under way, and when; 0 if there is none.
  long reserved;

  long reservedAt;

  /// What its last answer took.
  long tokens;

  double seconds;

  Candidate(List<String> values, long number, Fading visits, double born, long lastVisit) {
    this.values = values;
    this.number = number;
    this.visits = visits;
    this.born = born;
    this.lastVisit = lastVisit;
  }
}
