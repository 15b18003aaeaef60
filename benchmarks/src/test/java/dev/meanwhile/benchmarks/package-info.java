@NullMarked
package dev.meanwhile.benchmarks;

import org.jspecify.annotations.NullMarked;
