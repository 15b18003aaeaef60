@NullMarked
package dev.meanwhile.server.prefetch;

import org.jspecify.annotations.NullMarked;
