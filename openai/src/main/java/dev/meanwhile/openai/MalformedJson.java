package dev.meanwhile.openai;

/// Bytes that were to be JSON are not. Without a stack trace: it is a result, not a bug.
final class MalformedJson extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// @param position where it was noticed, in bytes from the beginning of the document
  MalformedJson(String what, int position) {
    super(what + " at byte " + position, null, false, false);
  }
}
