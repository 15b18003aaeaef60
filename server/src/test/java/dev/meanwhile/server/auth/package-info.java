@NullMarked
package dev.meanwhile.server.auth;

import org.jspecify.annotations.NullMarked;
