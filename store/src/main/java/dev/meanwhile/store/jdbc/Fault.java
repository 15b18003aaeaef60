package dev.meanwhile.store.jdbc;

/// How a database failed.
///
/// @param kind what it means for what was being written
/// @param message what is wrong and what to do
record Fault(Kind kind, String message) {
  enum Kind {
    /// One of the changes cannot be written; others can.
    CHANGE,
    /// Nothing is wrong: try again at once.
    AGAIN,
    /// There is no room; nothing was written, not even if it was the commit that failed.
    FULL,
    /// The database cannot be written now.
    TROUBLE
  }
}
