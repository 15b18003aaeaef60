package dev.meanwhile.simulator;

import io.vertx.core.buffer.Buffer;
import java.util.List;

/// A recording, one payload a token.
record RecordedScript(List<byte[]> events) implements Script {
  @Override
  public int tokens() {
    return events.size();
  }

  @Override
  public void opening(Buffer out) {}

  @Override
  public void token(Buffer out, int index) {
    out.appendBytes(events.get(index));
  }

  @Override
  public void closing(Buffer out) {}
}
