@NullMarked
package dev.meanwhile.notify;

import org.jspecify.annotations.NullMarked;
