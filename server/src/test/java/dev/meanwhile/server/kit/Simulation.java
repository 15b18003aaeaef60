package dev.meanwhile.server.kit;

import dev.meanwhile.simulator.Simulator;
import dev.meanwhile.simulator.SimulatorConfig;
import dev.meanwhile.simulator.Stats;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;

/// A simulated AI API of a test's own.
public final class Simulation implements AutoCloseable {
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final Simulator simulator;

  public Simulation() {
    simulator = Simulator.start(vertx, SimulatorConfig.defaults()).await();
  }

  public String url() {
    return "http://127.0.0.1:" + simulator.port() + "/v1";
  }

  public Stats stats() {
    return simulator.stats();
  }

  @Override
  public void close() {
    vertx.close().await();
  }
}
