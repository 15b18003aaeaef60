package dev.meanwhile.store.jdbc;

/// The time, for what depends on it: leases and retention.
interface Time {
  /// The machine's.
  Time SYSTEM =
      new Time() {
        @Override
        public long nanos() {
          return System.nanoTime();
        }

        @Override
        public long millis() {
          return System.currentTimeMillis();
        }
      };

  /// Monotonic, of any origin.
  long nanos();

  /// Since 1970.
  long millis();
}
