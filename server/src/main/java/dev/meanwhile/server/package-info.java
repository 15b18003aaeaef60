/// The server: HTTP in, HTTP out, and the wiring between them and the engine.
@NullMarked
package dev.meanwhile.server;

import org.jspecify.annotations.NullMarked;
