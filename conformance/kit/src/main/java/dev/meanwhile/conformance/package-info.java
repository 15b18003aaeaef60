/// What the tests of all clients share.
@NullMarked
package dev.meanwhile.conformance;

import org.jspecify.annotations.NullMarked;
