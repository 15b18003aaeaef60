package dev.meanwhile.app;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/// SIGHUP, as something to do instead of the end of the process.
final class Hangup {
  private Hangup() {}

  /// From now on runs `task` on a thread of its own at each SIGHUP; one comes after the other.
  ///
  /// @return false if this JVM cannot: the signal ends the process, as any other
  static boolean does(Runnable task) {
    // By its name: javac refuses what only jdk.unsupported has, and nothing else has signals.
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      // It is asked for nothing but `handle`.
      InvocationHandler calls =
          (_, _, _) -> {
            task.run();
            return null;
          };
      Object handling =
          Proxy.newProxyInstance(Hangup.class.getClassLoader(), new Class<?>[] {handler}, calls);
      signal
          .getMethod("handle", signal, handler)
          .invoke(null, signal.getConstructor(String.class).newInstance("HUP"), handling);
      return true;
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      return false;
    }
  }
}
