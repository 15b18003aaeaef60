@NullMarked
package dev.meanwhile.log;

import org.jspecify.annotations.NullMarked;
