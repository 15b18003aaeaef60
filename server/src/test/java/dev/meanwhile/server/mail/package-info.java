@NullMarked
package dev.meanwhile.server.mail;

import org.jspecify.annotations.NullMarked;
