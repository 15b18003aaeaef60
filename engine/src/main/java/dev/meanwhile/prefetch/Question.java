package dev.meanwhile.prefetch;

import java.util.List;

/// What an operation can be asked.
///
/// @param key what makes two of them the same
/// @param input all that is asked, as whoever fetches understands it
public record Question(List<String> key, String input) {
  public Question {
    key = List.copyOf(key);
  }
}
