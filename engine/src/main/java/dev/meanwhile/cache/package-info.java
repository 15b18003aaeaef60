/// Answers that are given again: closed logs, found by what was asked.
@NullMarked
package dev.meanwhile.cache;

import org.jspecify.annotations.NullMarked;
