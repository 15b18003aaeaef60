@NullMarked
package dev.meanwhile.server.route;

import org.jspecify.annotations.NullMarked;
