/// What the server promises on the wire, tested with bare sockets and the JDK's client.
@NullMarked
package dev.meanwhile.server.wire;

import org.jspecify.annotations.NullMarked;
