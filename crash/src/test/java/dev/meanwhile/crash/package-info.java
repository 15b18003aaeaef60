@NullMarked
package dev.meanwhile.crash;

import org.jspecify.annotations.NullMarked;
