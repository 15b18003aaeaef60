/// What to fetch before anyone asks: how likely a key is read, and whether that is worth a call.
/// Pure functions of what it is told; no I/O, no threads, the time is passed in.
@NullMarked
package dev.meanwhile.prefetch;

import org.jspecify.annotations.NullMarked;
