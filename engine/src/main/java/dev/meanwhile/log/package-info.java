/// The heart: the log, its two faces, and the runs that read it. Depends on the JDK only.
@NullMarked
package dev.meanwhile.log;

import org.jspecify.annotations.NullMarked;
