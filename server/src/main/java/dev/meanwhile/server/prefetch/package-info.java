/// What of operations is made before anyone asks: from the configuration to the engine.
@NullMarked
package dev.meanwhile.server.prefetch;

import org.jspecify.annotations.NullMarked;
