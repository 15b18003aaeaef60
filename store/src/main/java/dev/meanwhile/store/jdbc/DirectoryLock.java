package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.StoreException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// A data directory is one process's alone, as long as that lives.
final class DirectoryLock implements AutoCloseable {
  private final FileChannel file;

  private DirectoryLock(FileChannel file) {
    this.file = file;
  }

  /// @throws StoreException if another process has it
  static DirectoryLock take(Path directory) {
    Path path = directory.resolve("lock");
    try {
      OwnFiles.createFile(path);
      FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE);
      if (tryLock(file) == null) {
        file.close();
        throw new StoreException(
            "The data directory "
                + directory
                + " is in use by another process. Stop it, or choose another directory with"
                + " --data.");
      }
      return new DirectoryLock(file);
    } catch (IOException e) {
      throw new StoreException(
          "The data directory " + directory + " cannot be locked: " + e.getMessage(), e);
    }
  }

  private static @Nullable FileLock tryLock(FileChannel file) throws IOException {
    try {
      return file.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // held within this process
    }
  }

  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      // The lock goes with the process at the latest.
      System.getLogger(DirectoryLock.class.getName())
          .log(System.Logger.Level.DEBUG, "the lock file did not close", e);
    }
  }
}
