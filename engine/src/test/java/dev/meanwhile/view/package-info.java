@NullMarked
package dev.meanwhile.view;

import org.jspecify.annotations.NullMarked;
