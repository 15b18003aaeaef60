package dev.meanwhile.cache;

import dev.meanwhile.log.RunLog;

/// An answer that was found.
///
/// @param log what was answered: closed, or in the same moment
/// @param run the id of the run that made it
/// @param age how old it is, in milliseconds
/// @param ttl how long it is still fresh, in milliseconds; below zero: for how long it has not been
/// @param use what it is good for
/// @param stored whether it was not in memory, but where answers outlive the process
public record Hit(RunLog log, String run, long age, long ttl, Use use, boolean stored) {
  /// What an answer is good for.
  public enum Use {
    /// It is given.
    FRESH,
    /// It is given, and a new one is made.
    REVALIDATE,
    /// It is given if no other can be had.
    SPARE
  }
}
