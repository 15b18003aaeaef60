package dev.meanwhile.crash;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// The words after the command, as `crash/run` puts them together.
///
/// @param work a directory for all data
record Options(int kills, String store, long seed, String only, Path work) {
  static Options parse(List<String> words) {
    int kills = 40;
    String store = "sqlite";
    long seed = 1;
    String only = "kills";
    Path work = Path.of(System.getProperty("java.io.tmpdir"));
    for (int i = 0; i + 1 < words.size(); i += 2) {
      String value = words.get(i + 1);
      switch (words.get(i)) {
        case "--kills" -> kills = Integer.parseInt(value);
        case "--store" -> store = value;
        case "--seed" -> seed = Long.parseLong(value);
        case "--case" -> only = value;
        case "--work" -> work = Path.of(value);
        default -> throw new IllegalArgumentException("unknown: " + words.get(i));
      }
    }
    return new Options(kills, store, seed, only, work);
  }

  Storage storage(Path in) throws IOException {
    return switch (store) {
      case "sqlite" -> new SqliteStorage(in.resolve("data"));
      case "postgres" -> new PostgresStorage(in.resolve("postgres"));
      default -> throw new IllegalArgumentException("--store is sqlite or postgres");
    };
  }
}
