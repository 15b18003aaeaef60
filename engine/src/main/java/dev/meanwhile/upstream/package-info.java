/// The port to AI APIs: what the engine needs from an HTTP client and a dialect.
@NullMarked
package dev.meanwhile.upstream;

import org.jspecify.annotations.NullMarked;
