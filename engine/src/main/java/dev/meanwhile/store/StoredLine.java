package dev.meanwhile.store;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// A line of a batch as it stands.
///
/// @param number where it stood in what was sent, from 1
/// @param id its name within the batch
/// @param run the run that answers it, and all lines like it; null if that was erased
/// @param pieces all that is stored of the run's log
public record StoredLine(int number, String id, @Nullable StoredRun run, List<Piece> pieces) {}
