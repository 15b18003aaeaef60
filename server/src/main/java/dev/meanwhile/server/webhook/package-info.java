/// HTTP out to webhook endpoints: signed, and nowhere it must not go.
@NullMarked
package dev.meanwhile.server.webhook;

import org.jspecify.annotations.NullMarked;
