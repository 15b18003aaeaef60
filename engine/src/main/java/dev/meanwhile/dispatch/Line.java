package dev.meanwhile.dispatch;

import dev.meanwhile.log.Run;
import org.jspecify.annotations.Nullable;

/// A line of a batch as it stands.
///
/// @param number where it stood in what was sent, from 1
/// @param id its name within the batch
/// @param run the run that answers it, with all that is stored of its log; null if it was erased
public record Line(int number, String id, @Nullable Run run) {}
