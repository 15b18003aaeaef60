@NullMarked
package dev.meanwhile.dispatch;

import org.jspecify.annotations.NullMarked;
