@NullMarked
package dev.meanwhile.openai;

import org.jspecify.annotations.NullMarked;
