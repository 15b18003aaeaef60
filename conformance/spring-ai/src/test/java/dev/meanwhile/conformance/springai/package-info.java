/// Shows that spring-ai-openai works against the server, unmodified.
@NullMarked
package dev.meanwhile.conformance.springai;

import org.jspecify.annotations.NullMarked;
