/// The whole engine under random histories in virtual time.
@NullMarked
package dev.meanwhile.simulation;

import org.jspecify.annotations.NullMarked;
