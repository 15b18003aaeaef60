package dev.meanwhile.store.jdbc;

/// The store's threads: of the platform, for a database's driver holds on to the one it is called
/// on.
final class Threads {
  private Threads() {}

  static Thread named(String name, Runnable work) {
    return Thread.ofPlatform().daemon().name(name).unstarted(work);
  }

  /// Waits until it has ended.
  static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
