/// Time: the clock of a loop, the limits of an attempt, what users tolerate, what happens when
/// callers leave.
@NullMarked
package dev.meanwhile.budget;

import org.jspecify.annotations.NullMarked;
