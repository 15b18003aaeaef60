package dev.meanwhile.server.route;

import dev.meanwhile.log.LogReader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.buffer.BufferInternal;

/// Events as a buffer over the log's own bytes: nothing is copied, however many readers there are.
final class Pieces implements LogReader.Piece {
  private ByteBuf all = Unpooled.EMPTY_BUFFER;

  private Pieces() {}

  static Buffer of(LogReader log, int from, int to) {
    var pieces = new Pieces();
    log.read(from, to, pieces);
    return BufferInternal.buffer(pieces.all);
  }

  @Override
  public void accept(byte[] bytes, int offset, int length) {
    ByteBuf piece = Unpooled.wrappedBuffer(bytes, offset, length);
    all = all.isReadable() ? Unpooled.wrappedBuffer(all, piece) : piece;
  }
}
