/// Tells endpoints, and people by mail, of the ends of runs: the view of a log whose reader is not
/// there.
@NullMarked
package dev.meanwhile.notify;

import org.jspecify.annotations.NullMarked;
