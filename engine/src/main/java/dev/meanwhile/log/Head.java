package dev.meanwhile.log;

import java.util.List;
import java.util.Map;

/// How the upstream's answer began.
///
/// @param status the HTTP status the upstream gave, 100 to 599
/// @param streamed whether the answer is a stream of events; otherwise it is one [Kind#ANSWER]
/// @param headers the headers worth passing on to a caller, in order, names in lower case
public record Head(int status, boolean streamed, List<Map.Entry<String, String>> headers) {
  public Head {
    headers = List.copyOf(headers);
  }
}
