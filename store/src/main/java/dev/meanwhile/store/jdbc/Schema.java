package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.StoreException;
import java.sql.SQLException;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jspecify.annotations.Nullable;

/// The versions of the schema.
final class Schema {
  /// The last version under `sqlite/` and `postgres/`. One that has been on main is never edited:
  /// databases have it.
  private static final int VERSION = 5;

  private static final String NEWEST =
      "select max(cast(version as integer)) from flyway_schema_history where success";

  private Schema() {}

  /// Brings the schema to its last version. Flyway takes most of a second to look whether there is
  /// anything to do, so it is asked only if there is.
  static void migrate(Database database, Session session) {
    Integer version = version(session);
    if (version != null && version == VERSION) {
      return;
    }
    if (version != null && version > VERSION) {
      throw new StoreException(
          "The database was written by a newer Meanwhile (schema %d, this one knows %d). Start that one, or use another database."
              .formatted(version, VERSION));
    }
    try {
      Flyway.configure(Schema.class.getClassLoader())
          .dataSource(database.migrating())
          .locations("classpath:" + database.schema())
          .load()
          .migrate();
    } catch (FlywayException e) {
      throw new StoreException(
          "The database's schema could not be brought to version "
              + VERSION
              + ": "
              + e.getMessage(),
          e);
    }
  }

  private static @Nullable Integer version(Session session) {
    try {
      return session.first(NEWEST, row -> row.getInt(1));
    } catch (SQLException e) {
      return null; // there is no such table yet; if it is anything worse, Flyway says so
    } finally {
      session.endQuietly();
    }
  }
}
