@NullMarked
package dev.meanwhile.simulator;

import org.jspecify.annotations.NullMarked;
