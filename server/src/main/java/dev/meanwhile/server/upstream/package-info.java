/// HTTP out: the upstream client.
@NullMarked
package dev.meanwhile.server.upstream;

import org.jspecify.annotations.NullMarked;
