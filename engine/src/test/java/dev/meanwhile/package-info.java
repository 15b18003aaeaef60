@NullMarked
package dev.meanwhile;

import org.jspecify.annotations.NullMarked;
