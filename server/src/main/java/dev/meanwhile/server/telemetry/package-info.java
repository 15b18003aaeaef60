/// What the server tells about itself: metrics and one log line per run.
@NullMarked
package dev.meanwhile.server.telemetry;

import org.jspecify.annotations.NullMarked;
