@NullMarked
package dev.meanwhile.server.redis;

import org.jspecify.annotations.NullMarked;
