package dev.meanwhile.prefetch;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// All that an operation declares it will be asked.
public interface Questions {
  /// How many there are.
  int size();

  /// One of them, 0 to below [#size].
  ///
  /// @return null if it cannot be asked
  @Nullable Question at(int index);

  /// Where they come from; what is there may change.
  interface Source {
    /// Reads them; one of both is told, once, on the same loop.
    ///
    /// @param failed gets why there are none, with what to do
    void read(Consumer<Questions> read, Consumer<String> failed);
  }
}
