@NullMarked
package dev.meanwhile.server.webhook;

import org.jspecify.annotations.NullMarked;
