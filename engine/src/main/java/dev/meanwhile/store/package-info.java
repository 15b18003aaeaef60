/// The port to where logs outlive the process: what the engine needs from a database.
@NullMarked
package dev.meanwhile.store;

import org.jspecify.annotations.NullMarked;
