package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The tables of an endurance run, in Markdown, and how their figures came about.
final class EnduranceReport {
  private static final double FLAT = 1.1;
  private static final double START_MILLIS = 1_000;
  private static final double MEGABYTE = 1e6;

  private EnduranceReport() {}

  /// @param runs that go through one process
  /// @param rate how many of them come in a second
  /// @param stored how many are there when a process starts
  record Plan(int runs, int rate, int stored) {}

  /// `heap` after a collection; bytes.
  record Sample(long second, long finished, long unfinished, long heap, long resident, long data) {}

  /// `failures` are calls that were not answered 202.
  record Steady(List<Sample> samples, long failures) {
    Steady {
      samples = List.copyOf(samples);
    }

    /// The most of the last third over the most of the third before it.
    double growth(ToLongFunction<Sample> what) {
      var third = samples.size() / 3;
      return (double) most(samples.size() - third, samples.size(), what)
          / most(samples.size() - 2 * third, samples.size() - third, what);
    }

    private long most(int from, int to, ToLongFunction<Sample> what) {
      return samples.subList(from, to).stream().mapToLong(what).max().orElse(0);
    }
  }

  /// @param seconds to store all runs
  /// @param bytes of these
  /// @param emptyMillis from the start of a process over nothing to its first 202
  /// @param fullMillis the same over all runs
  record Start(double seconds, long bytes, double emptyMillis, double fullMillis) {}

  static String tables(Plan plan, Steady steady, Start start) {
    var rows =
        steady.samples().stream()
            .map(sample ->
                "| %,d | %,d | %,d | %.1f | %.0f | %.1f |"
                    .formatted(
                        sample.second(),
                        sample.finished(),
                        sample.unfinished(),
                        sample.heap() / MEGABYTE,
                        sample.resident() / MEGABYTE,
                        sample.data() / MEGABYTE))
            .collect(Collectors.joining("\n", "", "\n"));
    return """
    | second | runs finished | not yet | heap after a collection, MB | resident, MB | data, MB |
    |---:|---:|---:|---:|---:|---:|
    %s
    | start, to the first 202, ms | |
    |---|---:|
    | over nothing | %.0f |
    | over %,d stored runs (%,.0f MB) | %.0f |

    %s\
    """
        .formatted(
            rows,
            start.emptyMillis(),
            plan.stored(),
            start.bytes() / MEGABYTE,
            start.fullMillis(),
            goals(plan, steady, start));
  }

  private static String goals(Plan plan, Steady steady, Start start) {
    return Stream.of(
            new Goals.Goal(
                "heap, last third ÷ the third before", FLAT, steady.growth(Sample::heap), ""),
            new Goals.Goal(
                "data, last third ÷ the third before", FLAT, steady.growth(Sample::data), ""),
            new Goals.Goal("calls not answered 202", 0, steady.failures(), ""),
            new Goals.Goal(
                "start over %,d stored runs, to the first 202".formatted(plan.stored()),
                START_MILLIS,
                start.fullMillis(),
                " ms"))
        .map(Goals.Goal::row)
        .collect(
            Collectors.joining(
                "\n", "| goal | allowed | measured | |\n|---|---:|---:|---|\n", "\n"));
  }

  /// `load` is the machine's load average when the run began.
  static String method(Options options, Plan plan, String version, Instant began, String load)
      throws IOException {
    return """
    ## Method
    - %s, %d s in all, command `%s`. Load average before: %s.
    - Machine: %s.
    - Version: %s.
    - %,d background runs, %,d a second at random times, through one process on SQLite, each \
    answered at once with 600 B, 16 at a time. Kept: 30 s after their end on disk (`keep-stored`), \
    10 s in memory (`keep`), at most 1 GB of data (`max-data`). What is too old is deleted once a \
    minute, so the data's size is a saw.
    - Flat: the most of the last third of the samples over the most of the third before it, \
    with the heap as `jcmd GC.run` leaves it.
    - Start: %,d runs that have ended, stored through the store's port; the median of three \
    starts, with and without them in turns. The files are in the page cache. A process on all \
    cores, until a call was answered 202, which needs the store open and a commit on the disk.
    """
        .formatted(
            began,
            Duration.between(began, Instant.now()).toSeconds(),
            options.text("command"),
            load,
            Machine.description(),
            version,
            plan.runs(),
            plan.rate(),
            plan.stored());
  }
}
