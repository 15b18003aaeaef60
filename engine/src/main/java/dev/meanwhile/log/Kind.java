package dev.meanwhile.log;

/// What an event says, as far as the engine needs to know. The dialect that read it from the
/// upstream decides.
public enum Kind {
  /// Something a user gets: text, reasoning, a refusal, a tool call, audio, or what we do not know.
  CONTENT,
  /// The stream's frame: a role, a finish reason, an empty delta.
  FRAME,
  /// The closing usage chunk, which only callers that asked for usage are sent.
  USAGE,
  /// The upstream's own report, inside a stream, that it failed.
  ERROR,
  /// The stream's end mark, `[DONE]`.
  MARK,
  /// A whole plain answer: the body of a call that was not streamed.
  ANSWER,
  /// An attempt after the first begins; its bytes are its number. The answer begins after it.
  RESTARTED
}
