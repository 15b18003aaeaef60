/// HTTP in: one file per route or per way to answer it.
@NullMarked
package dev.meanwhile.server.route;

import org.jspecify.annotations.NullMarked;
