package dev.meanwhile.app;

import java.util.concurrent.CountDownLatch;

/// Ends the process well: SIGTERM and Ctrl-C let what is under way finish, and then exit with 0.
final class Stopping {
  private Stopping() {}

  /// When the process is told to end: says so, stops, and exits with 0.
  static void on(Runnable stop, Runnable say) {
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .name("stopping")
                .unstarted(() -> {
                  say.run();
                  stop.run();
                  System.out.flush();
                  System.err.flush();
                  // Else the JVM would report the signal (143) although all went well.
                  Runtime.getRuntime().halt(0);
                }));
  }

  /// Waits for ever: a signal ends the process.
  static int await() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return 0;
  }
}
