/// Shows that npm openai and Chromium's EventSource works against the server, unmodified.
@NullMarked
package dev.meanwhile.conformance.openainode;

import org.jspecify.annotations.NullMarked;
