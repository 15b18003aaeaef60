package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// What the disk under a directory does.
final class Disks {
  private static final long SECOND = 1_000_000_000;

  private Disks() {}

  /// How often in a second 4 KB are appended to a file and forced to the disk.
  static long forcesPerSecond(Path directory) throws IOException {
    var file = directory.resolve("forced");
    var count = 0L;
    try (var channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      var began = System.nanoTime();
      for (; System.nanoTime() - began < SECOND; count++) {
        channel.write(ByteBuffer.allocate(4096));
        channel.force(false);
      }
    } finally {
      Files.deleteIfExists(file);
    }
    return count;
  }

  /// The bytes of all files directly in a directory.
  static long bytes(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      var sum = 0L;
      for (var file : files.filter(Files::isRegularFile).toList()) {
        sum += Files.size(file);
      }
      return sum;
    }
  }
}
