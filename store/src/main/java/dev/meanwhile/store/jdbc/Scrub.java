package dev.meanwhile.store.jdbc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;

/// Overwrites what deleted rows have left in the database's file. With `secure_delete` SQLite
/// overwrites what it deletes, but not the copies it left behind when it moved rows to another page
/// of a tree: they stay in the page's unused middle. Nothing else reads or writes that middle, so
/// it may be overwritten in the file itself, provided that the log is empty and nothing is being
/// copied from it, and that no connection that writes holds the page in memory.
final class Scrub implements AutoCloseable {
  private static final int PAGES_AT_ONCE = 256;
  private static final int FILE_HEADER = 100;
  private static final int PTRMAP_ENTRY = 5;

  // Never closed before the database: that would end its locks.
  private final FileChannel file;
  private final int pageSize;
  private final ByteBuffer zeros;
  private final ByteBuffer buffer;

  Scrub(Path database) throws IOException {
    file = FileChannel.open(database, StandardOpenOption.READ, StandardOpenOption.WRITE);
    var header = ByteBuffer.allocate(FILE_HEADER);
    int read = file.read(header, 0);
    int size = header.getShort(16) & 0xffff;
    pageSize = size == 1 ? 65536 : size;
    if (read < FILE_HEADER || Integer.bitCount(pageSize) != 1 || pageSize < 512) {
      file.close();
      throw new IOException(database + " is not an SQLite database");
    }
    zeros = ByteBuffer.allocateDirect(pageSize);
    buffer = ByteBuffer.allocateDirect(pageSize * PAGES_AT_ONCE);
  }

  int pageSize() {
    return pageSize;
  }

  /// All pages there are.
  BitSet all() throws IOException {
    var pages = new BitSet();
    pages.set(1, (int) (file.size() / pageSize) + 1);
    return pages;
  }

  /// Overwrites the unused middle of these pages, and waits for the disk.
  void pages(BitSet pages) throws IOException {
    int last = (int) (file.size() / pageSize);
    int from = pages.nextSetBit(1);
    while (from > 0 && from <= last) {
      int to = Math.min(Math.min(pages.nextClearBit(from), from + PAGES_AT_ONCE), last + 1);
      run(from, to);
      from = pages.nextSetBit(to);
    }
    file.force(false);
  }

  private void run(int from, int to) throws IOException {
    buffer.clear().limit((to - from) * pageSize);
    long start = (long) (from - 1) * pageSize;
    while (buffer.hasRemaining()) {
      if (file.read(buffer, start + buffer.position()) < 0) {
        return; // the file has become shorter: what was there is gone
      }
    }
    for (int page = from; page < to; page++) {
      if (!isPointerMap(page)) {
        page(page, (page - from) * pageSize);
      }
    }
  }

  /// In a database with auto_vacuum every so many pages there is one that only says where others
  /// belong.
  private boolean isPointerMap(int page) {
    return page >= 2 && (page - 2) % (pageSize / PTRMAP_ENTRY + 1) == 0;
  }

  private void page(int page, int at) throws IOException {
    int header = at + (page == 1 ? FILE_HEADER : 0);
    int cells;
    switch (buffer.get(header)) {
      case 2, 5 -> cells = header + 12; // inner pages of an index, of a table
      case 10, 13 -> cells = header + 8; // their leaves
      default -> {
        return; // the rest of a long row, or free
      }
    }
    int from = cells + 2 * (buffer.getShort(header + 3) & 0xffff);
    int content = buffer.getShort(header + 5) & 0xffff;
    int to = at + (content == 0 ? 65536 : content);
    if (to > at + pageSize) {
      return;
    }
    int start = from;
    while (start < to && buffer.get(start) == 0) {
      start++;
    }
    if (start < to) {
      zeros.clear().limit(to - start);
      file.write(zeros, (long) (page - 1) * pageSize + (start - at));
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
