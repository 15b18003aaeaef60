/// The command line, and the wiring of everything into one runnable jar.
@NullMarked
package dev.meanwhile.app;

import org.jspecify.annotations.NullMarked;
