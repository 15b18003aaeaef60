/// Shows that com.openai:openai-java works against the server, unmodified.
@NullMarked
package dev.meanwhile.conformance.openaijava;

import org.jspecify.annotations.NullMarked;
