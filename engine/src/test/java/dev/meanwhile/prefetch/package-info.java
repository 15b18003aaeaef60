@NullMarked
package dev.meanwhile.prefetch;

import org.jspecify.annotations.NullMarked;
