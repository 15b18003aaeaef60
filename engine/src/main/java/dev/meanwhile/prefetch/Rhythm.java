package dev.meanwhile.prefetch;

import java.time.Duration;
import java.util.Arrays;

/// The shape of a day: how busy each hour (UTC) is compared with the mean, learned from all reads.
/// Its clock runs faster in busy hours, so that by it reads come evenly (the time change of an
/// inhomogeneous Poisson process; Cox and Lewis 1966). An hour's rate is `(reads + m)/(days + 1)`
/// where `m` is the mean of all hours: a Gamma prior worth one day, so that an hour never seen is a
/// mean one. Days count half after a week.
final class Rhythm {
  private static final int HOURS = 24;
  private static final double HOUR = Duration.ofHours(1).toMillis();
  private static final long DAY = Duration.ofDays(1).toMillis();
  private static final double FADE = Math.pow(0.5, 1.0 / (7 * HOURS));

  /// A silence of more days teaches nothing new.
  private static final int MOST_DAYS = 30;

  private final double[] reads = new double[HOURS];
  private final double[] days = new double[HOURS];
  private final double[] shape = new double[HOURS];
  private long now;
  private double clock;

  Rhythm(long start) {
    now = start;
    Arrays.fill(shape, 1);
  }

  /// The time in milliseconds of the evened clock, from 0.
  double clock() {
    return clock;
  }

  /// Lets time pass; one that goes back is ignored.
  void advance(long to) {
    if (to - now > MOST_DAYS * DAY) {
      long skipped = (to - now) / DAY - MOST_DAYS;
      clock += skipped * (double) DAY;
      now += skipped * DAY;
    }
    while (now < to) {
      int hour = hour(now);
      long end = Math.min(to, endOfHour(now));
      days[hour] += (end - now) / HOUR;
      clock += (end - now) * shape[hour];
      now = end;
      if (now % (long) HOUR == 0) {
        learn();
      }
    }
  }

  /// Somebody read something now.
  void read() {
    reads[hour(now)]++;
  }

  /// How far the clock will run in so many milliseconds from now.
  double ahead(long duration) {
    // Over a whole day the shape's mean is 1.
    double ahead = duration - duration % DAY;
    long to = now + duration % DAY;
    for (long at = now; at < to; at = endOfHour(at)) {
      ahead += (Math.min(to, endOfHour(at)) - at) * shape[hour(at)];
    }
    return ahead;
  }

  private void learn() {
    double mean = Arrays.stream(reads).sum() / Arrays.stream(days).sum();
    double sum = 0;
    for (int hour = 0; hour < HOURS; hour++) {
      shape[hour] = mean > 0 ? (reads[hour] + mean) / (days[hour] + 1) : 1;
      sum += shape[hour];
      reads[hour] *= FADE;
      days[hour] *= FADE;
    }
    for (int hour = 0; hour < HOURS; hour++) {
      shape[hour] *= HOURS / sum;
    }
  }

  private static int hour(long millis) {
    return (int) (Math.floorMod(millis, DAY) / (long) HOUR);
  }

  private static long endOfHour(long millis) {
    return (Math.floorDiv(millis, (long) HOUR) + 1) * (long) HOUR;
  }
}
