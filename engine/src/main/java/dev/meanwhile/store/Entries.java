package dev.meanwhile.store;

import java.util.List;

/// What a channel holds after a mark: the runs whose state has changed since, each once and as it
/// stands, in the order of its latest change.
///
/// @param reset whether the mark asked for was not good, so that these follow the beginning
/// @param from after what they follow, in the channel's own numbers
public record Entries(boolean reset, Mark from, List<Entry> entries) {
  /// There is no such channel, or nothing in it.
  ///
  /// @param after what was asked for
  public static Entries none(Mark after) {
    return new Entries(!after.isBeginning(), Mark.BEGINNING, List.of());
  }

  /// After what to ask for what follows.
  public Mark end() {
    return entries.isEmpty() ? from : from.at(entries.getLast().number());
  }

  /// One run.
  ///
  /// @param number of its latest change: each change in a channel has a higher one than all before
  /// @param status where it stands: one of OpenAI's six words
  /// @param createdAt in milliseconds since 1970
  /// @param endedAt in milliseconds since 1970, 0 while it has not
  /// @param late whether it ended after its budget
  public record Entry(
      long number,
      String run,
      String title,
      String status,
      long createdAt,
      long endedAt,
      boolean late) {}

  /// How far a reader has come.
  ///
  /// @param born which life of the channel the number is of, in letters and digits: one that was
  ///   forgotten and began again counts anew
  /// @param number of the last change that was seen, 0 before the first
  public record Mark(String born, long number) {
    /// Nothing was seen.
    public static final Mark BEGINNING = new Mark("", 0);

    public boolean isBeginning() {
      return number == 0;
    }

    public Mark at(long now) {
      return new Mark(born, now);
    }

    /// Whether what follows it in a channel is all that its reader has not seen.
    ///
    /// @param head the highest number of what was removed from the channel, 0 if nothing was
    /// @param last the highest number that was given there
    public boolean isGood(String channelBorn, long head, long last) {
      return isBeginning() || born.equals(channelBorn) && head <= number && number <= last;
    }
  }
}
