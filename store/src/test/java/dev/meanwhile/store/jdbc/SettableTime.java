package dev.meanwhile.store.jdbc;

import java.util.concurrent.atomic.AtomicLong;

/// A time that tests set.
final class SettableTime implements Time {
  private final AtomicLong nanos = new AtomicLong();
  private final AtomicLong millis;

  SettableTime(AtomicLong millis) {
    this.millis = millis;
  }

  void passNanos(long more) {
    nanos.addAndGet(more);
  }

  @Override
  public long nanos() {
    return nanos.get();
  }

  @Override
  public long millis() {
    return millis.get();
  }
}
