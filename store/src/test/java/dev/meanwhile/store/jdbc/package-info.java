@NullMarked
package dev.meanwhile.store.jdbc;

import org.jspecify.annotations.NullMarked;
