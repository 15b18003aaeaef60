package dev.meanwhile.openai;

/// Reads a log's own frames again and hands over their data. For one thread.
final class DataEvents {
  private final SseFramer framer = new SseFramer(Integer.MAX_VALUE);
  private final SseFramer.Sink sink;

  /// Takes one event's data, valid during the call only.
  interface Data {
    void accept(byte[] bytes, int offset, int length);
  }

  DataEvents(Data data) {
    sink =
        new SseFramer.Sink() {
          @Override
          public void event(
              byte[] frame, int offset, int length, byte[] bytes, int from, int many) {
            data.accept(bytes, from, many);
          }

          @Override
          public void tooLarge() {
            throw new IllegalStateException("a frame of more than 2 GB");
          }
        };
  }

  /// The next bytes of the log.
  void feed(byte[] bytes, int offset, int length) {
    framer.feed(bytes, offset, length, sink);
  }
}
