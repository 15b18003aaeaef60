package dev.meanwhile.log;

import java.util.function.BiConsumer;

/// How the upstream's answer began.
///
/// @param status the HTTP status the upstream gave, 100 to 599
/// @param streamed whether the answer is a stream of events; otherwise it is one [Kind#ANSWER]
/// @param fields the headers worth passing on to a caller, in order, each `name: value` and a line
///   feed, names in lower case: one text, since a kept run should be few objects
public record Head(int status, boolean streamed, String fields) {
  /// Hands over each header's name and value.
  public void forEach(BiConsumer<String, String> header) {
    for (int at = 0; at < fields.length(); ) {
      int colon = fields.indexOf(": ", at);
      int end = fields.indexOf('\n', colon);
      header.accept(fields.substring(at, colon), fields.substring(colon + 2, end));
      at = end + 1;
    }
  }
}
