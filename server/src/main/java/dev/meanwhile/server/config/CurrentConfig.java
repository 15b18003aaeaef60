package dev.meanwhile.server.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The configuration as it is now. A reload exchanges it whole; a call that has begun goes on with
/// what it began with. Thread-safe.
public final class CurrentConfig {
  private final Supplier<Config> source;
  private volatile Config config;
  private final List<Consumer<Config>> listeners = new CopyOnWriteArrayList<>();

  /// @param source reads the configuration anew, and throws a [ConfigException] if it is invalid
  public CurrentConfig(Config config, Supplier<Config> source) {
    this.config = config;
    this.source = source;
  }

  /// One that stays as it is.
  public static CurrentConfig of(Config config) {
    return new CurrentConfig(config, () -> config);
  }

  public Config get() {
    return config;
  }

  /// Reads it anew, which may take a moment: operations and keys hold from now on. All else is in
  /// use since the start.
  ///
  /// @return what holds now
  /// @throws ConfigException if it is invalid, or more has changed; then nothing has happened
  public synchronized Config reload() {
    Config read = source.get();
    List<String> fixed = new ArrayList<>();
    told("server", config.server(), read.server(), fixed);
    // The order of upstreams counts: the first takes what names none.
    told(
        "upstreams",
        List.copyOf(config.upstreams().values()),
        List.copyOf(read.upstreams().values()),
        fixed);
    told("mail", config.mail(), read.mail(), fixed);
    if (!fixed.isEmpty()) {
      throw new ConfigException(fixed);
    }
    config = read;
    listeners.forEach(listener -> listener.accept(read));
    return read;
  }

  /// Tells `listener` of every reload that held, on the thread that asked for it.
  public void whenChanged(Consumer<Config> listener) {
    listeners.add(listener);
  }

  private static void told(
      String section, @Nullable Object before, @Nullable Object after, List<String> fixed) {
    if (!Objects.equals(before, after)) {
      fixed.add(
          section
              + ": has changed, which only a restart can do; restart, or take this change back to"
              + " reload operations and keys");
    }
  }
}
