package dev.meanwhile.simulator;

import io.vertx.core.buffer.Buffer;

/// What a stream says, framed, without when. Used by one stream.
sealed interface Script permits ComposedScript, RecordedScript {
  int tokens();

  /// Appends what comes with the first token, before it.
  void opening(Buffer out);

  /// Appends token `index`, from 0.
  void token(Buffer out, int index);

  /// Appends what comes with the last token, after it, without `[DONE]`.
  void closing(Buffer out);
}
