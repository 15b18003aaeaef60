/// Side-by-side runs: the same load through Meanwhile and through its peers, on pinned cores.
@NullMarked
package dev.meanwhile.benchmarks;

import org.jspecify.annotations.NullMarked;
