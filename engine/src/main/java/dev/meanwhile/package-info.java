/// Meanwhile's engine: every AI call is an append-only log; every delivery pattern is a view of it.
@NullMarked
package dev.meanwhile;

import org.jspecify.annotations.NullMarked;
