/// Shows that langchain4j-open-ai works against the server, unmodified.
@NullMarked
package dev.meanwhile.conformance.langchain4j;

import org.jspecify.annotations.NullMarked;
