@NullMarked
package dev.meanwhile.app;

import org.jspecify.annotations.NullMarked;
