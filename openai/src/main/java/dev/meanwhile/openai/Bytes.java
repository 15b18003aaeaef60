package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/// Bytes that are being written.
final class Bytes {
  private byte[] all;
  private int size;

  /// @param room how many bytes are expected
  Bytes(int room) {
    all = new byte[Math.max(64, room)];
  }

  int size() {
    return size;
  }

  /// Forgets all from here on.
  void cut(int at) {
    size = at;
  }

  Bytes add(int b) {
    room(1);
    all[size++] = (byte) b;
    return this;
  }

  Bytes add(byte[] bytes, int from, int to) {
    room(to - from);
    System.arraycopy(bytes, from, all, size, to - from);
    size += to - from;
    return this;
  }

  /// Adds the text as UTF-8.
  Bytes add(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    return add(bytes, 0, bytes.length);
  }

  byte[] copy(int from) {
    return Arrays.copyOfRange(all, from, size);
  }

  private void room(int more) {
    if (all.length - size < more) {
      all = Arrays.copyOf(all, Math.max(Math.addExact(size, more), 2 * all.length));
    }
  }
}
