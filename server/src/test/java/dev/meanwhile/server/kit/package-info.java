/// What the wire tests share: a gateway of their own, upstreams that do as told, raw clients.
@NullMarked
package dev.meanwhile.server.kit;

import org.jspecify.annotations.NullMarked;
