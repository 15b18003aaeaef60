/// Kills the server, again and again, and looks whether it kept what it promised.
@NullMarked
package dev.meanwhile.crash;

import org.jspecify.annotations.NullMarked;
