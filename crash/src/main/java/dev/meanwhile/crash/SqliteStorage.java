package dev.meanwhile.crash;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/// A directory.
record SqliteStorage(Path directory) implements Storage {
  @Override
  public String title() {
    return "SQLite";
  }

  @Override
  public List<String> arguments() {
    return List.of("--data", directory.toString());
  }

  @Override
  public Connection connect() throws SQLException {
    return DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("meanwhile.db"));
  }

  @Override
  public List<String> violations() throws SQLException {
    var found = new ArrayList<>(Storage.super.violations());
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("pragma integrity_check")) {
      while (rows.next()) {
        if (!rows.getString(1).equals("ok")) {
          found.add("the file is damaged: " + rows.getString(1));
        }
      }
    }
    return found;
  }

  @Override
  public void close() {}
}
