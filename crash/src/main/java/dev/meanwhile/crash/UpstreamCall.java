package dev.meanwhile.crash;

/// One call that reached the AI API.
///
/// @param marker what was asked
/// @param number the how many-th call that asked this, from 1
/// @param began when, in nanoseconds
/// @param refused whether it was answered 503 on purpose
/// @param ended whether its whole answer was sent
record UpstreamCall(String marker, int number, long began, boolean refused, boolean ended) {
  UpstreamCall toItsEnd() {
    return new UpstreamCall(marker, number, began, refused, true);
  }
}
