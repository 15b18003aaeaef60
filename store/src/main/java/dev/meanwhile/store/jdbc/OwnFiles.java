package dev.meanwhile.store.jdbc;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/// Files and directories that only their owner can read.
final class OwnFiles {
  private static final boolean POSIX =
      Path.of("").getFileSystem().supportedFileAttributeViews().contains("posix");

  private OwnFiles() {}

  static void createDirectory(Path path) throws IOException {
    Files.createDirectories(path, permissions("rwx------"));
    restrict(path, "rwx------");
  }

  static void createFile(Path path) throws IOException {
    try {
      Files.createFile(path, permissions("rw-------"));
    } catch (FileAlreadyExistsException e) {
      restrict(path, "rw-------");
    }
  }

  private static FileAttribute<?>[] permissions(String permissions) {
    return POSIX
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        }
        : new FileAttribute<?>[0];
  }

  private static void restrict(Path path, String permissions) throws IOException {
    if (POSIX) {
      var wanted = PosixFilePermissions.fromString(permissions);
      if (!Files.getPosixFilePermissions(path).equals(wanted)) {
        Files.setPosixFilePermissions(path, Set.copyOf(wanted));
      }
    }
  }
}
