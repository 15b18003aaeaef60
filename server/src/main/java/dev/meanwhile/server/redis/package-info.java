/// Kept answers in Redis, or what speaks as it does.
@NullMarked
package dev.meanwhile.server.redis;

import org.jspecify.annotations.NullMarked;
