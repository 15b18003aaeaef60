/// The port to where logs outlive the process, on SQLite and on PostgreSQL.
@NullMarked
package dev.meanwhile.store.jdbc;

import org.jspecify.annotations.NullMarked;
