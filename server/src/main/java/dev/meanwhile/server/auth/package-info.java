/// Who calls: tenants, keys, and what a browser may not do.
@NullMarked
package dev.meanwhile.server.auth;

import org.jspecify.annotations.NullMarked;
