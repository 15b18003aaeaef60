/// The configuration: one table of options, read from a file, variables and flags into plain
/// records. Start at [ConfigReader].
@NullMarked
package dev.meanwhile.server.config;

import org.jspecify.annotations.NullMarked;
