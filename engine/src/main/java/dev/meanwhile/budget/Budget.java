package dev.meanwhile.budget;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// What the user of an operation tolerates; more than zero where it is said.
///
/// @param total to the whole answer; null: open
/// @param firstToken to the first content of a streamed answer; null: open
public record Budget(@Nullable Duration total, @Nullable Duration firstToken) {}
