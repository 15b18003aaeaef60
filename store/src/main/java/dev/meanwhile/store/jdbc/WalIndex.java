package dev.meanwhile.store.jdbc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// How many pages SQLite's write-ahead log holds, and which: read from its files, whose format is
/// documented (sqlite.org/walformat.html).
///
/// The files are opened once and never closed before the database: closing one ends all locks that
/// this process has on it. Thread-safe.
final class WalIndex implements AutoCloseable {
  private static final int LAST_FRAME_AT = 16;
  private static final int SALT_AT = 32;
  private static final int COPIED_AT = 96;
  private static final int WAL_HEADER = 32;
  private static final int FRAME_HEADER = 24;

  private final Path shmPath;
  private final Path walPath;
  private final ByteBuffer number = ByteBuffer.allocateDirect(4);
  private @Nullable FileChannel shm;
  private @Nullable FileChannel wal;

  WalIndex(Path database) {
    shmPath = Path.of(database + "-shm");
    walPath = Path.of(database + "-wal");
  }

  /// How many frames the log holds now.
  int frames() throws IOException {
    return read(shm(), LAST_FRAME_AT, ByteOrder.nativeOrder());
  }

  /// How many of them are in the database by now.
  int copied() throws IOException {
    return read(shm(), COPIED_AT, ByteOrder.nativeOrder());
  }

  /// A number that changes each time the log begins again.
  int salt() throws IOException {
    return read(shm(), SALT_AT, ByteOrder.nativeOrder());
  }

  private synchronized FileChannel shm() throws IOException {
    if (shm == null) {
      shm = FileChannel.open(shmPath, StandardOpenOption.READ);
    }
    return shm;
  }

  /// Adds the pages in frames `from` (exclusive) to `to` (inclusive).
  synchronized void pages(int from, int to, int pageSize, BitSet pages) throws IOException {
    if (wal == null) {
      wal = FileChannel.open(walPath, StandardOpenOption.READ);
    }
    for (int frame = from; frame < to; frame++) {
      long at = WAL_HEADER + (long) frame * (FRAME_HEADER + pageSize);
      pages.set(read(wal, at, ByteOrder.BIG_ENDIAN));
    }
  }

  private synchronized int read(FileChannel file, long at, ByteOrder order) throws IOException {
    number.clear().order(order);
    return file.read(number, at) == 4 ? number.getInt(0) : 0;
  }

  @Override
  public synchronized void close() throws IOException {
    if (shm != null) {
      shm.close();
    }
    if (wal != null) {
      wal.close();
    }
  }
}
