package dev.meanwhile.app;

import dev.meanwhile.simulator.Simulator;
import dev.meanwhile.simulator.SimulatorConfig;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/// A simulator with a Vert.x of its own.
record Running(Vertx vertx, Simulator simulator) implements AutoCloseable {
  /// Starts one, and returns when it listens.
  ///
  /// @throws CannotRun if it cannot
  static Running start(SimulatorConfig config) {
    Vertx vertx =
        Vertx.vertx(
            new VertxOptions().setEventLoopPoolSize(config.loops()).setPreferNativeTransport(true));
    try {
      Simulator simulator =
          Simulator.start(vertx, config).toCompletionStage().toCompletableFuture().join();
      return new Running(vertx, simulator);
    } catch (CompletionException e) {
      vertx
          .close()
          .toCompletionStage()
          .toCompletableFuture()
          .orTimeout(10, TimeUnit.SECONDS)
          .join();
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new CannotRun(
          "Cannot start the simulator on %s:%d: %s."
              .formatted(config.host(), config.port(), cause.getMessage()));
    }
  }

  @Override
  public void close() {
    vertx.close().toCompletionStage().toCompletableFuture().orTimeout(10, TimeUnit.SECONDS).join();
  }
}
