package dev.meanwhile.openai;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Terminal;

/// Tells what the data of the events of one answer says, and remembers how far that has come.
interface AnswerEvent {
  /// Reads one event's data.
  ///
  /// @throws MalformedJson if it is no JSON object
  Kind read(byte[] bytes, int offset, int length);

  /// Whether an answer that breaks off here is whole.
  boolean finished();

  /// Whether the last event that says anything was read; a mark may follow.
  boolean whole();

  /// Whether nothing follows an error.
  boolean errorEnds();

  /// How the answer ended.
  Terminal terminal();
}
